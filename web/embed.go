package web

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// ErrNotBuilt says that the binary was compiled before the browser bundle existed.
var ErrNotBuilt = errors.New("the browser bundle is not in this binary: run `make build`")

// Open returns the built files: index.html, assets/ (hashed names) and sdk/. The error is ErrNotBuilt when the
// bundle was never made.
func Open() (fs.FS, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the browser bundle: %w", err)
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, ErrNotBuilt
	}
	return files, nil
}
