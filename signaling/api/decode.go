package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"incamera/auth/strict"
	"incamera/auth/token"
)

// maxBody bounds the request bodies of this package but for those that hold a policy; nothing else is larger than a form.
const maxBody = 16 << 10

// decode reads the body's one JSON object into v, at most maxBody of Content-Type application/json (a cross-site form
// cannot send that without asking first). Unknown, repeated and missing names, null and broken UTF-8 are refused; a
// name may be missing where v says omitempty.
func decode(w http.ResponseWriter, r *http.Request, v any) error { return decodeUpTo(w, r, maxBody, v) }

// decodeUpTo is decode for a body of another size.
func decodeUpTo(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return badField("Content-Type", "must be application/json")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return errTooLarge
		}
		return badField("body", "could not be read")
	}
	if err := strict.Decode(data, v); err != nil {
		why := strings.TrimPrefix(err.Error(), strict.ErrJSON.Error()+": ")
		if strings.HasPrefix(why, "json: ") {
			why = "a value is of another kind than it must be" // the library's words quote values and name Go types
		}
		return badField("body", why)
	}
	return nil
}

// nothing is the body of requests whose address says it all.
type nothing struct{}

// line checks a text that people will read in one line: names and titles.
func line(field, s string, most int) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", badField(field, "is empty")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, hidden) || !strings.ContainsFunc(s, seen):
		return "", badField(field, "has characters that cannot be shown")
	case utf8.RuneCountInString(s) > most:
		return "", badField(field, "is too long")
	}
	return s, nil
}

// personName checks the name of a person, which also has to fit into tokens.
func personName(field, s string) (string, error) {
	s, err := line(field, s, maxTitle)
	if err == nil && !token.ValidName(s) {
		err = badField(field, "is too long, or has characters that cannot be shown")
	}
	return s, err
}

// hidden reports characters that let one name look like another or change what stands around it: controls, the
// bidirectional and zero-width formats, and fillers. The two joiners are part of scripts and emoji.
func hidden(r rune) bool {
	switch r {
	case '\u200c', '\u200d':
		return false
	case utf8.RuneError, '\u2028', '\u2029', '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// seen reports characters that leave something on the screen.
func seen(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) || unicode.IsPunct(r)
}

// validHandle says whether s is spelled like the id of an account or session: nothing else is asked of the database.
func validHandle(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
