package event

// Reason is one of the closed set of causes for which an event goes to dead-letters.
type Reason string

// The reasons, one per fault.
const (
	ReasonNoUserAnonID  Reason = "no_user_anon_id"
	ReasonNoName        Reason = "event_name_missing"
	ReasonUnknownType   Reason = "type_unknown"
	ReasonNotObject     Reason = "item_not_object"
	ReasonBadTimestamp  Reason = "timestamp_invalid"
	ReasonIDTooLong     Reason = "message_id_too_long"
	ReasonUserTooLong   Reason = "user_id_too_long"
	ReasonNameTooLong   Reason = "event_name_too_long"
	ReasonFieldType     Reason = "field_type_wrong"
	ReasonEventTooLarge Reason = "event_too_large"
	ReasonBadMoney      Reason = "money_invalid"
	ReasonUndecodable   Reason = "record_undecodable"
	ReasonFoldPanic     Reason = "fold_panic"
	ReasonIDReused      Reason = "id_reused"
)

// Reasons lists them all.
func Reasons() []Reason {
	return []Reason{ReasonNoUserAnonID, ReasonNoName, ReasonUnknownType, ReasonNotObject, ReasonBadTimestamp, ReasonIDTooLong,
		ReasonUserTooLong, ReasonNameTooLong, ReasonFieldType, ReasonEventTooLarge, ReasonBadMoney, ReasonUndecodable,
		ReasonFoldPanic, ReasonIDReused}
}

// Limits of one event.
const (
	MaxMessageID = 100
	MaxUserID    = 255
	MaxName      = 200
	MaxBytes     = 32 << 10
)

// Fault is why an event was refused, where in it, and by which rule.
type Fault struct {
	Reason Reason
	Path   string
	Rule   string
}

// Error makes a Fault an error.
func (f *Fault) Error() string { return string(f.Reason) + " at " + f.Path + ": " + f.Rule }

// Facts are what validation looks at.
type Facts struct {
	Type, Name, MessageID, Visitor, User string
	Bytes                                int
}

// Check returns the first fault, nil for a good event.
func Check(f Facts) *Fault {
	switch {
	case f.Bytes > MaxBytes:
		return &Fault{ReasonEventTooLarge, "", "at most 32 KiB"}
	case f.Visitor == "" && f.User == "":
		return &Fault{ReasonNoUserAnonID, "anonymousId", "anonymousId or userId is required"}
	case len(f.Visitor) > MaxUserID:
		return &Fault{ReasonUserTooLong, "anonymousId", "at most 255 bytes"}
	case len(f.User) > MaxUserID:
		return &Fault{ReasonUserTooLong, "userId", "at most 255 bytes"}
	case len(f.MessageID) > MaxMessageID:
		return &Fault{ReasonIDTooLong, "messageId", "at most 100 bytes"}
	case len(f.Name) > MaxName:
		return &Fault{ReasonNameTooLong, "event", "at most 200 bytes"}
	}
	switch f.Type {
	case "track":
		if f.Name == "" {
			return &Fault{ReasonNoName, "event", "a track call needs an event name"}
		}
	case "page", "screen", "identify", "group", "alias":
	default:
		return &Fault{ReasonUnknownType, "type", "one of track, page, screen, identify, group, alias"}
	}
	return nil
}
