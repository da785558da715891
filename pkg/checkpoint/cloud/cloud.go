// Package cloud teaches package checkpoint the addresses s3:// and gs://, by being imported. It is apart because the
// clients behind them are most of a service's size: leave out the line that imports it where checkpoints go to a folder.
package cloud

import (
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://
)
