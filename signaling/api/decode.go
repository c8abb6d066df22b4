package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBody bounds every request body of this package; nothing here is larger than a form.
const maxBody = 16 << 10

// decode reads the body's one JSON object into v: known keys only, at most maxBody, Content-Type application/json (a
// cross-site form cannot send that without asking first).
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return badField("Content-Type", "must be application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return errTooLarge
		}
		return badField("body", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badField("body", "must be one JSON object")
	}
	return nil
}

// line checks a text that people will read in one line: names and titles.
func line(field, s string, most int) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", badField(field, "is empty")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, hidden):
		return "", badField(field, "has characters that cannot be shown")
	case utf8.RuneCountInString(s) > most:
		return "", badField(field, "is too long")
	}
	return s, nil
}

// hidden reports characters that let one name look like another or change what stands around it: controls and the
// bidirectional and zero-width formats.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
}
