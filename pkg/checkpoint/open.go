package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// Open opens the bucket at an address and looks whether it answers:
//
//	/var/lib/checkpoints, file:///var/lib/checkpoints    a folder, made if there is none
//	s3://bucket?region=eu-central-1                      S3; for others that speak it also endpoint=https://…&use_path_style=true
//	gs://bucket                                          Google Cloud Storage
//
// With prefix=a/b/ in the query of the last two the bucket is shared with others. Credentials come from the environment, as
// each provider's own tools find them. s3 and gs need package checkpoint/cloud in the program.
//
// A bucket must refuse a write with If-None-Match where an object stands, as S3 and Google's do; Probe finds out.
func Open(ctx context.Context, address string) (*Vault, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case address == "":
		return nil, errors.New("no address of a bucket: give a folder, file:///folder, s3://bucket?region=… or gs://bucket")
	case !ok:
		return openFolder(address)
	case scheme == fileblob.Scheme:
		if !strings.HasPrefix(rest, "/") || strings.Contains(rest, "?") {
			return nil, fmt.Errorf("bucket %s: a folder's address is file:// and its whole path, and nothing behind it, such as file:///var/lib/checkpoints", address)
		}
		return openFolder(rest)
	case scheme != "s3" && scheme != "gs":
		return nil, fmt.Errorf("bucket %s: %s is not known: use a folder, file://, s3:// or gs://", address, scheme)
	case !slices.Contains(blob.DefaultURLMux().BucketSchemes(), scheme):
		return nil, fmt.Errorf("bucket %s: this program was built without %s: build it with -tags cloud, as the container image is, or use a folder", address, scheme)
	}
	return openCloud(ctx, scheme, address)
}

func openFolder(path string) (*Vault, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(path, 0o755)
	}
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("cannot keep anything in %s: use a folder that may be written: %w", path, err)
	}
	b, err := fileblob.OpenBucket(path, &fileblob.Options{Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("bucket in folder %s: %w", path, err)
	}
	return &Vault{bucket: b, folder: folder(path), now: time.Now}, nil
}

// remedies are what to do when a bucket does not answer.
var remedies = map[string]string{
	"s3": "check that the bucket exists, its region (…?region=), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the machine's role, and endpoint= if it is not Amazon's",
	"gs": "check that the bucket exists, and GOOGLE_APPLICATION_CREDENTIALS or the machine's service account",
}

const checksum = "response_checksum_validation"

func openCloud(ctx context.Context, scheme, address string) (*Vault, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("bucket %s: write %s://bucket, and a folder in it as ?prefix=folder/", address, scheme)
	}
	if q := u.Query(); scheme == "s3" && !q.Has(checksum) {
		q.Set(checksum, "when_required") // what we read has hashes of ours; else each object without theirs is a line on stderr
		u.RawQuery = q.Encode()
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %s: %w", address, remedies[scheme], err)
	}
	ok, err := b.IsAccessible(ctx)
	if err == nil && !ok {
		err = errAbsent
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bucket %s: %s: %w", address, remedies[scheme], err), ignored(b.Close()))
	}
	return &Vault{bucket: b, now: time.Now}, nil
}
