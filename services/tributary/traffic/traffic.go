// Package traffic makes the messages that Segment's browser library sends from a shop, and posts them: load for measurements and
// for the soak.
package traffic

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Action is one thing that a visitor does.
type Action struct {
	// Kind of the call, page or track, and Name of a track call's event; Properties as JSON with a comma at the end; Path of the
	// page. In Properties and Path {} is the product, in Properties <> the order.
	Kind, Name, Properties, Path string
	// Place of the product among those that the visitor looks at.
	Place int
}

// Message is one event of one visitor.
type Message struct {
	Action
	// Visitor's number; it decides the campaign and the device.
	Visitor int
	// User is the known user; empty: none.
	User string
	// Turn differs between the visits of a visitor, who looks at other products then.
	Turn int
	// ID of the message.
	ID string
	// At is its time.
	At time.Time
	// Order id, for actions that have one.
	Order string
}

// template is a message as Segment's browser library makes it.
const template = `{"type":%q,%s"anonymousId":"3f1c9d5e-8a72-4b06-9e4d-%012d","userId":%s,"messageId":%q,"timestamp":%q,"integrations":{},` +
	`"properties":{%s"currency":"EUR","category":"Outdoor/Jackets","brand":"Nordwand","variant":"blue","position":3},` +
	`"context":{"library":{"name":"analytics.js","version":"next-1.81.0"},"locale":"de-DE","timezone":"Europe/Berlin","page":{"path":%q,` +
	`"referrer":"https://www.google.com/","search":%q,"title":"Nordwand Softshell, blue","url":"https://shop.example%s%s"},"userAgent":%q,` +
	`"screen":{"width":390,"height":844,"density":3}}}`

// products of the shop, and what visitors differ in: a stage that shares what is the same must not have it too easy.
const products = 3000

var (
	sources = []string{"newsletter", "welcome", "cart-reminder", "friends", "spring"}
	agents  = []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0",
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
	}
)

const layout = "2006-01-02T15:04:05.000Z"

// Append writes the message, as JSON.
func (m Message) Append(b *bytes.Buffer) {
	product := strconv.Itoa(1000 + (m.Visitor*31+m.Place*7+m.Turn)%products)
	path := strings.ReplaceAll(m.Path, "{}", product)
	search := "?utm_source=" + sources[m.Visitor%len(sources)] + "&utm_medium=email&utm_campaign=week-" + strconv.Itoa(m.Visitor%40)
	user, name := "null", ""
	if m.Name != "" {
		name = `"event":` + strconv.Quote(m.Name) + ","
	}
	if m.User != "" {
		user = strconv.Quote(m.User)
	}
	properties := strings.NewReplacer("{}", product, "<>", m.Order).Replace(m.Properties)
	fmt.Fprintf(b, template, m.Kind, name, m.Visitor, user, m.ID, m.At.UTC().Format(layout), properties, path, search, path, search, agents[m.Visitor%len(agents)])
}

// Batch writes the body of a request to /v1/batch that was sent at a time.
func Batch(b *bytes.Buffer, sent time.Time, messages ...Message) {
	b.Reset()
	b.WriteString(`{"batch":[`)
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		m.Append(b)
	}
	b.WriteString(`],"sentAt":"` + sent.UTC().Format(layout) + `"}`)
}
