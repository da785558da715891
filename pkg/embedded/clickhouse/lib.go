package clickhouse

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is the engine's C interface, chdb.h. Loading it twice gives the same one: its state is the process's.
type library struct {
	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn         func(conn unsafe.Pointer)
	query             func(conn, query unsafe.Pointer, queryLen uint64, format unsafe.Pointer, formatLen uint64) unsafe.Pointer
	resultBuffer      func(result unsafe.Pointer) unsafe.Pointer
	resultLength      func(result unsafe.Pointer) uint64
	resultError       func(result unsafe.Pointer) unsafe.Pointer
	resultRowsRead    func(result unsafe.Pointer) uint64
	resultBytesRead   func(result unsafe.Pointer) uint64
	resultRowsWritten func(result unsafe.Pointer) uint64
	resultWritten     func(result unsafe.Pointer) uint64
	storageRowsRead   func(result unsafe.Pointer) uint64
	storageBytesRead  func(result unsafe.Pointer) uint64
	destroyResult     func(result unsafe.Pointer)
	insertOpen        func(conn, query unsafe.Pointer, queryLen uint64, format unsafe.Pointer, formatLen uint64) unsafe.Pointer
	insertAppend      func(stream, data unsafe.Pointer, n uint64) int32
	insertDone        func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel      func(stream unsafe.Pointer)
	insertError       func(stream unsafe.Pointer) unsafe.Pointer
	destroyInsert     func(stream unsafe.Pointer)
}

// load opens the shared library and turns its signal handlers off: with them a crash of Go code hangs.
func load(path string) (*library, error) {
	if why := unfit(path); why != nil {
		return nil, fmt.Errorf("%s is no engine for %s/%s (%w): set TRIBUTARY_ENGINE to the path of libchdb.so, or unset it to have it fetched", path, runtime.GOOS, runtime.GOARCH, why)
	}
	// The engine reads its time zone from C's environment, which os.Setenv does not reach. UTC like a server in a
	// container: Native blocks of revision 0 carry DateTime columns without their zone, so clients fall back to it.
	if addr, err := purego.Dlsym(purego.RTLD_DEFAULT, "setenv"); err == nil {
		var setenv func(name, value string, overwrite int32) int32
		purego.RegisterFunc(&setenv, addr)
		setenv("TZ", "UTC", 1)
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("the engine %s does not load (%w): set TRIBUTARY_ENGINE to the path of another libchdb.so, or unset it to have it fetched", path, err)
	}
	l := &library{}
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &l.setSignalHandlers,
		"chdb_connect":                     &l.connect,
		"chdb_close_conn":                  &l.closeConn,
		"chdb_query_n":                     &l.query,
		"chdb_result_buffer":               &l.resultBuffer,
		"chdb_result_length":               &l.resultLength,
		"chdb_result_error":                &l.resultError,
		"chdb_result_rows_read":            &l.resultRowsRead,
		"chdb_result_bytes_read":           &l.resultBytesRead,
		"chdb_result_rows_written":         &l.resultRowsWritten,
		"chdb_result_bytes_written":        &l.resultWritten,
		"chdb_result_storage_rows_read":    &l.storageRowsRead,
		"chdb_result_storage_bytes_read":   &l.storageBytesRead,
		"chdb_destroy_query_result":        &l.destroyResult,
		"chdb_stream_insert_n":             &l.insertOpen,
		"chdb_stream_append":               &l.insertAppend,
		"chdb_stream_done":                 &l.insertDone,
		"chdb_stream_cancel_insert":        &l.insertCancel,
		"chdb_stream_insert_error":         &l.insertError,
		"chdb_destroy_insert_stream":       &l.destroyInsert,
	} {
		addr, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s is not the engine's library, or another version: set TRIBUTARY_ENGINE to the path of libchdb.so, or unset it to have it fetched", path)
		}
		purego.RegisterFunc(fn, addr)
	}
	l.setSignalHandlers(0)
	return l, nil
}

// conn is one connection of the engine. It runs one statement at a time.
type conn struct {
	lib *library
	// holder is what chdb_connect returns: a pointer to the connection, which the other calls want.
	holder unsafe.Pointer
	// database is the current one.
	database string
	// dirty says that a statement left settings or temporary tables behind.
	dirty bool
}

var errLocked = errors.New("the engine refuses the data folder: another process, or another folder of this process, is open")

// open connects. It fails with errLocked as long as something else has the engine.
func (l *library) open(args ...string) (*conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, 0, len(args)+1)
	for _, a := range append([]string{"clickhouse"}, args...) {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		argv = append(argv, unsafe.Pointer(&b[0]))
	}
	pin.Pin(&argv[0])
	holder := l.connect(int32(len(argv)), unsafe.Pointer(&argv[0]))
	if holder == nil || *(*unsafe.Pointer)(holder) == nil {
		return nil, errLocked
	}
	return &conn{lib: l, holder: holder, database: "default"}, nil
}

func (c *conn) close() { c.lib.closeConn(c.holder) }

func (c *conn) handle() unsafe.Pointer { return *(*unsafe.Pointer)(c.holder) }

// result of a statement, copied from C memory.
type result struct {
	data                                       []byte
	rowsRead, bytesRead, rowsWrite, bytesWrite uint64
	rows                                       uint64   // of the answer
	zones                                      []string // full types of its columns, where the blocks keep zones back
}

// query runs one statement that carries everything it needs. What a failed one wrote before it failed stays in the
// connection, and the engine would put it before the next answer; so a statement without an answer takes it away.
func (c *conn) query(text, format string) (result, error) {
	res, err := c.statement(text, format)
	if err != nil {
		_, flushErr := c.statement("SELECT 1", "Null")
		c.dirty = c.dirty || flushErr != nil
	}
	return res, err
}

func (c *conn) statement(text, format string) (result, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	q, f := pinned(&pin, text), pinned(&pin, format)
	return c.lib.take(c.lib.query(c.handle(), q, uint64(len(text)), f, uint64(len(format))))
}

// chunk is how much of an insert's body crosses into C at a time.
const chunk = 1 << 20

// insert runs "INSERT INTO ..." (without a FORMAT clause) with the body in that format. Nothing is inserted when
// reading the body fails.
func (c *conn) insert(text, format string, body io.Reader) (result, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	s := c.lib.insertOpen(c.handle(), pinned(&pin, text), uint64(len(text)), pinned(&pin, format), uint64(len(format)))
	if s == nil {
		return result{}, errors.New("the engine opened no insert")
	}
	defer c.lib.destroyInsert(s)
	if text := cstring(c.lib.insertError(s)); text != "" {
		return result{}, newException(text)
	}
	buf := make([]byte, chunk)
	pin.Pin(&buf[0])
	for ended := false; !ended; {
		n, err := fill(body, buf)
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			c.lib.insertCancel(s)
			c.dirty = true // the engine would cancel the connection's next statement too
			return result{}, fmt.Errorf("read the request's body: %w", err)
		}
		if n > 0 && c.lib.insertAppend(s, unsafe.Pointer(&buf[0]), uint64(n)) != 0 {
			break // the result says why
		}
	}
	return c.lib.take(c.lib.insertDone(s))
}

// fill reads until buf is full, or until the error that ended it. Unlike io.ReadFull it tells a body that ends from
// one that breaks off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// take copies a result and frees it.
func (l *library) take(r unsafe.Pointer) (result, error) {
	if r == nil {
		return result{}, errors.New("the engine gave no result")
	}
	defer l.destroyResult(r)
	if text := cstring(l.resultError(r)); text != "" {
		return result{}, newException(text)
	}
	out := result{rowsRead: l.storageRowsRead(r), bytesRead: l.storageBytesRead(r), rowsWrite: l.resultRowsWritten(r), bytesWrite: l.resultWritten(r),
		rows: l.resultRowsRead(r)}
	if n := l.resultLength(r); n > 0 {
		out.data = append([]byte(nil), unsafe.Slice((*byte)(l.resultBuffer(r)), n)...)
	}
	return out, nil
}

// pinned is the text's address. C gets the length apart and keeps nothing after the call.
func pinned(pin *runtime.Pinner, text string) unsafe.Pointer {
	p := unsafe.StringData(text)
	if p != nil {
		pin.Pin(p)
	}
	return unsafe.Pointer(p)
}

// cstring copies a C string; "" for NULL.
func cstring(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
