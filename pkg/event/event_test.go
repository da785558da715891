package event_test

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/tributary-data/tributary/pkg/event"
	"github.com/tributary-data/tributary/schemas"
)

// vectors were made with the reference implementation of XXH64, not with our code.
type vectors struct {
	Partition []struct {
		Store, Visitor, User string
		Of12                 int `json:"of_12"`
		Of64                 int `json:"of_64"`
	}
	Version []struct {
		Generation          uint8
		Offset              int64
		Version, Complement string
	}
	MessageID []struct {
		MessageID string `json:"message_id"`
		EventID   string `json:"event_id"`
	} `json:"message_id"`
	SessionID []struct {
		Store, Visitor string
		Creating       string `json:"creating_event_id"`
		SessionID      string `json:"session_id"`
	} `json:"session_id"`
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	b, err := schemas.Vectors.ReadFile("vectors/identities.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Partition) == 0 || len(v.Version) == 0 || len(v.MessageID) == 0 || len(v.SessionID) == 0 {
		t.Fatal("a list of vectors is empty")
	}
	return v
}

// Ensure that keys land on the partitions that they always landed on.
func TestPartitionVectors(t *testing.T) {
	for _, c := range readVectors(t).Partition {
		key := event.Key(c.Store, c.Visitor, c.User)
		if got := event.Partition(key, 12); got != c.Of12 {
			t.Errorf("%s/%s%s of 12: got %d, want %d", c.Store, c.Visitor, c.User, got, c.Of12)
		}
		if got := event.Partition(key, 64); got != c.Of64 {
			t.Errorf("%s/%s%s of 64: got %d, want %d", c.Store, c.Visitor, c.User, got, c.Of64)
		}
	}
}

func TestVersionVectors(t *testing.T) {
	for _, c := range readVectors(t).Version {
		v := event.NewVersion(c.Generation, c.Offset)
		if got := strconv.FormatUint(uint64(v), 10); got != c.Version {
			t.Errorf("version(%d, %d): got %s, want %s", c.Generation, c.Offset, got, c.Version)
		}
		if got := strconv.FormatUint(v.Complement(), 10); got != c.Complement {
			t.Errorf("complement(%d, %d): got %s, want %s", c.Generation, c.Offset, got, c.Complement)
		}
		if v.Generation() != c.Generation || v.Offset() != c.Offset {
			t.Errorf("version(%d, %d) reads back as (%d, %d)", c.Generation, c.Offset, v.Generation(), v.Offset())
		}
	}
}

func TestIDVectors(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.MessageID {
		if got := event.IDFromMessage(c.MessageID).String(); got != c.EventID {
			t.Errorf("event id of %q: got %s, want %s", c.MessageID, got, c.EventID)
		}
	}
	for _, c := range v.SessionID {
		creating, err := hex.DecodeString(c.Creating)
		if err != nil {
			t.Fatal(err)
		}
		if got := event.SessionID(c.Store, c.Visitor, creating).String(); got != c.SessionID {
			t.Errorf("session id of %s/%s: got %s, want %s", c.Store, c.Visitor, got, c.SessionID)
		}
	}
}

// Ensure that a body's items have different ids, and that the parts of a hash do not run into each other.
func TestIDsDiffer(t *testing.T) {
	body := []byte(`{"a":1}`)
	if event.IDFromBody(body, 0) == event.IDFromBody(body, 1) {
		t.Error("two items of one body have one id")
	}
	if event.Hash128([]byte("ab"), []byte("c")) == event.Hash128([]byte("a"), []byte("bc")) {
		t.Error("the borders of the parts do not count")
	}
	if string(event.Key("s", "", "x")) == string(event.Key("s", "x", "")) {
		t.Error("a user and a visitor of one name share a key")
	}
}
