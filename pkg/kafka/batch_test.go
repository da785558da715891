package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/tributary-data/tributary/pkg/stream"
)

// batchAt is an encoded batch as a broker stores it at base; change edits it before the checksum is redone.
func batchAt(base int64, messages []Message, change func(b []byte)) []byte {
	b, _ := encodeBatch(nil, nil, messages, producer{id: 7, epoch: 1}, 3, 1000)
	binary.BigEndian.PutUint64(b, uint64(base))
	if change != nil {
		change(b)
		binary.BigEndian.PutUint32(b[offCRC:], crc32.Checksum(b[offAttributes:], castagnoli))
	}
	return b
}

func texts(recs []stream.Record) (out []string) {
	for _, r := range recs {
		out = append(out, fmt.Sprintf("%d %s=%s", r.Offset, r.Key, r.Value))
	}
	return out
}

func messages(pairs ...string) (out []Message) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Message{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return out
}

func TestBatchReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []Message
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			in = append(in, Message{Key: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "key"), Value: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value")})
		}
		base := rapid.Int64Range(0, 1<<55).Draw(t, "base")
		recs, next, err := (&decoder{}).decode(batchAt(base, in, nil), base, nil)
		if err != nil || next != base+int64(len(in)) || len(recs) != len(in) {
			t.Fatalf("got %d records, next %d, %v", len(recs), next, err)
		}
		for i, r := range recs {
			if r.Offset != base+int64(i) || !bytes.Equal(r.Key, in[i].Key) || !bytes.Equal(r.Value, in[i].Value) || r.AppendTime != 0 {
				t.Fatalf("record %d: got %+v, want %+v", i, r, in[i])
			}
		}
	})
}

// Ensure the cases in which other clients lose their place: a fetch in mid batch, control and empty batches, a cut tail.
func TestDecodeKeepsItsPlace(t *testing.T) {
	control := func(b []byte) { binary.BigEndian.PutUint16(b[offAttributes:], codecSnappy|attrControl) }
	empty := func(b []byte) { binary.BigEndian.PutUint32(b[offCount:], 0) }
	one := batchAt(100, messages("a", "1", "b", "2", "c", "3"), nil)
	for _, c := range []struct {
		name string
		set  []byte
		from int64
		recs []string
		next int64
	}{
		{"whole", one, 100, []string{"100 a=1", "101 b=2", "102 c=3"}, 103},
		{"from the middle", one, 102, []string{"102 c=3"}, 103},
		{"control", batchAt(103, messages("x", "y"), control), 103, nil, 104},
		{"empty", batchAt(104, messages("x", "y", "x", "z"), empty), 104, nil, 106},
		{"two, the second cut", slices.Concat(one, batchAt(103, messages("d", "4"), nil)[:70]), 100, []string{"100 a=1", "101 b=2", "102 c=3"}, 103},
		{"nothing", nil, 100, nil, 100},
		{"less than a header", one[:40], 100, nil, 100},
	} {
		recs, next, err := (&decoder{}).decode(c.set, c.from, nil)
		if err != nil || next != c.next || !slices.Equal(texts(recs), c.recs) {
			t.Errorf("%s: got %v, next %d, %v; want %v, next %d", c.name, texts(recs), next, err, c.recs, c.next)
		}
	}
}

func TestDecodeAppendTime(t *testing.T) {
	set := batchAt(0, messages("a", "1"), func(b []byte) {
		binary.BigEndian.PutUint16(b[offAttributes:], codecSnappy|attrLogAppend)
		binary.BigEndian.PutUint64(b[offMaxTime:], 4242)
	})
	recs, _, err := (&decoder{}).decode(set, 0, nil)
	if err != nil || recs[0].AppendTime != 4242 {
		t.Errorf("got %+v, %v", recs, err)
	}
}

func TestDecodeCodecs(t *testing.T) {
	plain := appendRecord(nil, 0, Message{Key: []byte("a"), Value: []byte("1")})
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for codec, body := range map[uint16][]byte{0: plain, codecZstd: z.EncodeAll(plain, nil)} {
		b := append(batchAt(5, messages("a", "1"), nil)[:batchHeader], body...)
		binary.BigEndian.PutUint32(b[offLength:], uint32(len(b)-12))
		binary.BigEndian.PutUint16(b[offAttributes:], codec)
		binary.BigEndian.PutUint32(b[offCRC:], crc32.Checksum(b[offAttributes:], castagnoli))
		if recs, _, err := (&decoder{}).decode(b, 5, nil); err != nil || !slices.Equal(texts(recs), []string{"5 a=1"}) {
			t.Errorf("codec %d: got %v, %v", codec, texts(recs), err)
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	good := batchAt(0, messages("a", "1", "b", "2"), nil)
	for name, set := range map[string][]byte{
		"flipped byte":   func() []byte { b := slices.Clone(good); b[len(b)-1] ^= 1; return b }(),
		"old magic":      func() []byte { b := slices.Clone(good); b[offMagic] = 1; return b }(),
		"unknown codec":  batchAt(0, messages("a", "1"), func(b []byte) { binary.BigEndian.PutUint16(b[offAttributes:], 3) }),
		"too many said":  batchAt(0, messages("a", "1"), func(b []byte) { binary.BigEndian.PutUint32(b[offCount:], 9) }),
		"negative size":  func() []byte { b := slices.Clone(good); binary.BigEndian.PutUint32(b[offLength:], 1); return b }(),
		"not compressed": batchAt(0, messages("a", "1"), func(b []byte) { b[batchHeader] = 0xff }),
	} {
		if recs, _, err := (&decoder{}).decode(set, 0, nil); err == nil {
			t.Errorf("%s: was taken as %v", name, texts(recs))
		}
	}
}

func TestSequenceWraps(t *testing.T) {
	if got := nextSequence(1<<31-2, 3); got != 1 {
		t.Errorf("got %d, want 1", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(batchAt(100, messages("a", "1", "b", "2"), nil), int64(101))
	f.Add(batchAt(0, messages("", ""), func(b []byte) { binary.BigEndian.PutUint16(b[offAttributes:], 0) }), int64(0))
	f.Fuzz(func(t *testing.T, set []byte, from int64) {
		if len(set) >= batchHeader { // let the fuzzer past the checksum
			binary.BigEndian.PutUint32(set[offCRC:], crc32.Checksum(set[offAttributes:], castagnoli))
		}
		recs, next, err := (&decoder{}).decode(set, from, nil)
		if err == nil && next < from {
			t.Errorf("next %d is before from %d", next, from)
		}
		for _, r := range recs {
			if r.Offset < from {
				t.Errorf("record %d is before from %d", r.Offset, from)
			}
		}
	})
}

func FuzzFetchAnswer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 'x', 2, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		_ = eachFetched(&answer{body: body}, func(p fetched) error { // whatever it says, it ends
			if n += len(p.set); n > len(body) {
				t.Error("more bytes were handed out than came")
			}
			return nil
		})
	})
}

// BenchmarkDecode walks batches of 300-byte records, checksum and decompression included.
func BenchmarkDecode(b *testing.B) {
	var in []Message
	for i := range 500 {
		in = append(in, Message{Key: fmt.Appendf(nil, "visitor-%08d", i), Value: bytes.Repeat(fmt.Appendf(nil, "%07d-abc", i*7919), 27)})
	}
	set := batchAt(0, in, nil)
	d, recs := &decoder{}, make([]stream.Record, 0, 500)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if recs, _, err = d.decode(set, 0, recs[:0]); err != nil || len(recs) != 500 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/record")
}

// BenchmarkEncode makes the same batches.
func BenchmarkEncode(b *testing.B) {
	var in []Message
	for i := range 500 {
		in = append(in, Message{Key: fmt.Appendf(nil, "visitor-%08d", i), Value: bytes.Repeat(fmt.Appendf(nil, "%07d-abc", i*7919), 27)})
	}
	var buf, scratch []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, scratch = encodeBatch(buf[:0], scratch, in, producer{id: 1}, 0, 1000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/record")
}

// Ensure that what was released is unpacked into again, that what was not is left alone, and that the records are right either way.
func TestReuse(t *testing.T) {
	d := &decoder{pool: &sync.Pool{}}
	long := batchAt(0, messages("a", strings.Repeat("long ", 100)), nil)
	short := batchAt(1, messages("b", strings.Repeat("short", 3)), nil)
	first, _, err := d.decode(long, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.handOver() // and never called: somebody still looks at it
	for range 100 {
		second, _, err := d.decode(short, 1, nil)
		if err != nil || string(second[0].Value) != strings.Repeat("short", 3) {
			t.Fatalf("got %q, %v", texts(second), err)
		}
		if string(first[0].Value) != strings.Repeat("long ", 100) {
			t.Fatalf("memory that was not released was written: %q", first[0].Value)
		}
		if release := d.handOver(); release != nil {
			release()
		}
	}
	if d.handOver() != nil {
		t.Error("nothing was unpacked since, and something is handed over")
	}
	if allocs := testing.AllocsPerRun(100, func() {
		if _, _, err := d.decode(long, 0, first[:0]); err != nil {
			t.Fatal(err)
		}
		d.handOver()()
	}); allocs > 6 {
		t.Errorf("%.0f allocations for a batch whose memory is there", allocs)
	}
}
