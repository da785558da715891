package state

import (
	"encoding/binary"
	"fmt"

	"github.com/tributary-data/tributary/pkg/stream"
)

// positionSize in bytes: next offset, topic id, offset and hash of the last record, leader epoch.
const positionSize = 8 + 16 + 8 + 8 + 4

func encodePosition(p stream.Position) []byte {
	be := binary.BigEndian
	b := make([]byte, 0, positionSize)
	b = be.AppendUint64(b, uint64(p.Next))
	b = append(b, p.Topic[:]...)
	b = be.AppendUint64(b, uint64(p.LastOffset))
	b = be.AppendUint64(b, p.LastHash)
	return be.AppendUint32(b, uint32(p.LeaderEpoch))
}

func decodePosition(b []byte) (stream.Position, error) {
	be := binary.BigEndian
	if len(b) != positionSize {
		return stream.Position{}, fmt.Errorf("the position in the store has %d bytes, expected %d: another version of Tributary wrote it; remove the state folder, and the log is folded again", len(b), positionSize)
	}
	p := stream.Position{Next: int64(be.Uint64(b)), LastOffset: int64(be.Uint64(b[24:])), LastHash: be.Uint64(b[32:]), LeaderEpoch: int32(be.Uint32(b[40:]))}
	copy(p.Topic[:], b[8:])
	return p, nil
}
