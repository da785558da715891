package collect

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tributary-data/tributary/pkg/event"
)

// alias makes an alias call say who it speaks of. Its previousId is kept in properties, from where links are built;
// a call without anonymousId is filed under previousId, so that it reaches the partition of the visitor it names.
func (it *segmentItem) alias() *event.Fault {
	if it.previousID == "" {
		return nil
	}
	if len(it.previousID) > event.MaxUserID {
		return &event.Fault{Reason: event.ReasonUserTooLong, Path: "previousId", Rule: "at most 255 bytes"}
	}
	it.anonymousID = either(it.anonymousID, it.previousID)
	it.properties = withPrevious(it)
	return nil
}

// withPrevious is the properties of an alias call with its previousId in front, unless they have one or are no object.
func withPrevious(it *segmentItem) []byte {
	rest, isObject := bytes.CutPrefix(it.properties, []byte("{"))
	if it.columns.hasPrevious || !isObject && len(it.properties) > 0 && string(it.properties) != "null" {
		return it.properties
	}
	out, err := jsontext.AppendQuote([]byte(`{"previousId":`), it.previousID)
	if err != nil {
		return it.properties // no UTF-8: the decoder lets none pass
	}
	rest = bytes.TrimLeft(rest, " \n\t\r")
	switch {
	case !isObject:
		return append(out, '}')
	case rest[0] != '}':
		out = append(out, ',')
	}
	return append(out, rest...)
}
