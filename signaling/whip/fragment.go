package whip

import (
	"strings"
)

// fragment is what matters of a trickle-ice-sdpfrag (RFC 8840 section 9): the client's ICE names. Candidates are not
// read: the node is a lite agent and answers where it is asked from.
type fragment struct{ ufrag, pwd string }

const (
	maxFragment = 16 << 10
	maxLines    = 400
)

// parseFragment takes a fragment apart. Both names are there, once or alike everywhere, or none is.
func parseFragment(body string) (fragment, bool) {
	var f fragment
	for n := 0; body != ""; n++ {
		line, rest, _ := strings.Cut(body, "\n")
		body = rest
		line = strings.TrimSuffix(line, "\r")
		if n == maxLines || line != "" && (len(line) < 2 || line[1] != '=') {
			return fragment{}, false
		}
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && !set(&f.ufrag, v, 4) {
			return fragment{}, false
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && !set(&f.pwd, v, 22) {
			return fragment{}, false
		}
	}
	return f, (f.ufrag == "") == (f.pwd == "")
}

// set keeps a name that is spelled as RFC 8839 section 5.4 says, and is the same each time.
func set(at *string, v string, least int) bool {
	if len(v) < least || len(v) > 256 || *at != "" && *at != v {
		return false
	}
	for _, c := range []byte(v) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '+' && c != '/' {
			return false
		}
	}
	*at = v
	return true
}

// restarted is the offer with other ICE names and without candidates.
func restarted(offer string, f fragment) string {
	var b strings.Builder
	for line := range strings.Lines(offer) {
		end := line[len(strings.TrimRight(line, "\r\n")):]
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + f.ufrag + end
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + f.pwd + end
		case strings.HasPrefix(line, "a=candidate:"), strings.HasPrefix(line, "a=end-of-candidates"):
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// ofAnswer is the fragment that tells the client the node's new names and candidates: those of the first section,
// which all are bundled with.
func ofAnswer(answer string) string {
	var session, media []string
	sections := 0
	for line := range strings.Lines(answer) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "m="):
			if sections++; sections == 1 {
				media = append(media, line)
			}
		case sections == 0 && (strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "a=group:BUNDLE")):
			session = append(session, line)
		case sections == 1 && (strings.HasPrefix(line, "a=mid:") || strings.HasPrefix(line, "a=ice-") ||
			strings.HasPrefix(line, "a=candidate:") || strings.HasPrefix(line, "a=end-of-candidates")):
			media = append(media, line)
		}
	}
	return strings.Join(append(session, media...), "\r\n") + "\r\n"
}

// ufragOf is the ICE name of an offer or answer, "" without one.
func ufragOf(sdp string) string {
	_, rest, ok := strings.Cut(sdp, "a=ice-ufrag:")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(name)
}
