//go:build !failpoints

package boot

// FailPoint is where tests plant a crash; builds without the tag failpoints have none.
var FailPoint func(step string) error
