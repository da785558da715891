package clickhouse

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"

	chcompress "github.com/ClickHouse/ch-go/compress"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decompressed is the request's body as the client meant it.
func decompressed(r *http.Request, native bool) (io.Reader, error) {
	var body io.Reader = r.Body
	var err error
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	case "lz4":
		body = lz4.NewReader(body)
	case "zstd":
		var z *zstd.Decoder
		// One goroutine less to leak: without concurrency the decoder needs no Close.
		if z, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1)); err == nil {
			body = z
		}
	default:
		return nil, unsupported("Content-Encoding %s", enc)
	}
	if err != nil {
		return nil, fail(codeCannotUncompess, "CANNOT_DECOMPRESS", "read the request's body: %v", err)
	}
	if native {
		body = plainEOF{chcompress.NewReader(body)}
	}
	return body, nil
}

// plainEOF gives the end of the blocks as io.EOF itself, which ch-go wraps. A block that breaks off is another error.
type plainEOF struct{ io.Reader }

func (r plainEOF) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return n, err
}

// answer writes the data as the client wants it compressed: compress=1 asks for ClickHouse's own blocks, else
// Accept-Encoding counts. Errors are never compressed; clients know them by their status.
func (o *options) answer(w http.ResponseWriter, r *http.Request, data []byte) error {
	if len(data) == 0 {
		return nil // clients take Content-Length 0 for "no rows"
	}
	if o.compress {
		return o.nativeBlocks(w, data)
	}
	var out io.WriteCloser
	enc := ""
	if o.httpCompress {
		enc = accepted(r.Header.Get("Accept-Encoding"))
	}
	switch enc {
	case "gzip":
		out = gzip.NewWriter(w)
	case "deflate":
		out = zlib.NewWriter(w)
	case "lz4":
		out = lz4.NewWriter(w)
	case "zstd":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		out = z
	default:
		_, _ = w.Write(data) // a client that went away is no error of ours
		return nil
	}
	w.Header().Set("Content-Encoding", enc)
	_, _ = out.Write(data)
	_ = out.Close()
	return nil
}

// blockSize is ClickHouse's max_compress_block_size.
const blockSize = 1 << 20

func (o *options) nativeBlocks(w io.Writer, data []byte) error {
	var method chcompress.Method
	switch o.method {
	case "LZ4":
		method = chcompress.LZ4
	case "ZSTD":
		method = chcompress.ZSTD
	case "NONE":
		method = chcompress.None
	default:
		return unsupported("network_compression_method %s", o.method)
	}
	z := chcompress.NewWriter(chcompress.LevelZero, method)
	for len(data) > 0 {
		n := min(blockSize, len(data))
		if err := z.Compress(data[:n]); err != nil {
			return err
		}
		if _, err := w.Write(z.Data); err != nil {
			return nil // a client that went away is no error of ours
		}
		data = data[n:]
	}
	return nil
}

// accepted is the first known encoding, in the order of a server's preference.
func accepted(header string) string {
	for _, enc := range []string{"zstd", "lz4", "gzip", "deflate"} {
		for part := range strings.SplitSeq(header, ",") {
			name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
			if strings.EqualFold(strings.TrimSpace(name), enc) && strings.TrimSpace(q) != "q=0" {
				return enc
			}
		}
	}
	return ""
}
