package collect

// The strings of a context that Tributary reads.
const (
	ctxURL = iota
	ctxPath
	ctxTitle
	ctxReferrer
	ctxName
	ctxSource
	ctxMedium
	ctxTerm
	ctxContent
	ctxUserAgent
	ctxEmail
	ctxConsent // raw JSON
	ctxFields
)

// segmentContext is what a context says. A string that it does not mention comes from the batch's context: null does
// mention.
type segmentContext struct {
	v   [ctxFields]string
	set uint16
}

// clear makes the strings from first to last mentioned and empty, as null does.
func (c *segmentContext) clear(first, last int) {
	for i := first; i <= last; i++ {
		c.v[i] = ""
		c.set |= 1 << i
	}
}

// under fills what c does not mention from base.
func (c *segmentContext) under(base *segmentContext) {
	if base.set == 0 {
		return
	}
	for i := range c.v {
		if c.set&(1<<i) == 0 {
			c.v[i] = base.v[i]
		}
	}
}

func (d *decoder) context(c *segmentContext) bool {
	if d.space() == 'n' {
		c.clear(0, ctxFields-1)
		return d.literal("null")
	}
	d.ctx = c
	return d.object("context", (*decoder).contextField)
}

func (d *decoder) contextField(name string) bool {
	switch name {
	case "page":
		return d.part(ctxURL, ctxReferrer, "context.page", (*decoder).pageField)
	case "campaign":
		return d.part(ctxName, ctxContent, "context.campaign", (*decoder).campaignField)
	case "traits":
		return d.part(ctxEmail, ctxEmail, "context.traits", (*decoder).contextTraitField)
	case "userAgent":
		return d.said(ctxUserAgent, "context.userAgent")
	case "consent":
		d.ctx.set |= 1 << ctxConsent
		return d.raw(&d.ctx.v[ctxConsent])
	}
	return d.skip()
}

// part reads an object inside the context whose strings are those from first to last.
func (d *decoder) part(first, last int, path string, field func(*decoder, string) bool) bool {
	if d.space() == 'n' {
		d.ctx.clear(first, last)
		return d.literal("null")
	}
	return d.object(path, field)
}

func (d *decoder) said(i int, path string) bool {
	d.ctx.set |= 1 << i
	return d.str(&d.ctx.v[i], path)
}

func (d *decoder) pageField(name string) bool {
	switch name {
	case "url":
		return d.said(ctxURL, "context.page.url")
	case "path":
		return d.said(ctxPath, "context.page.path")
	case "title":
		return d.said(ctxTitle, "context.page.title")
	case "referrer":
		return d.said(ctxReferrer, "context.page.referrer")
	}
	return d.skip()
}

func (d *decoder) campaignField(name string) bool {
	switch name {
	case "name":
		return d.said(ctxName, "context.campaign.name")
	case "source":
		return d.said(ctxSource, "context.campaign.source")
	case "medium":
		return d.said(ctxMedium, "context.campaign.medium")
	case "term":
		return d.said(ctxTerm, "context.campaign.term")
	case "content":
		return d.said(ctxContent, "context.campaign.content")
	}
	return d.skip()
}

func (d *decoder) contextTraitField(name string) bool {
	if name == "email" {
		d.ctx.set |= 1 << ctxEmail
		return d.loose(&d.ctx.v[ctxEmail])
	}
	return d.skip()
}
