package offer

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// rawSection is an m-line as written, before codecs and extensions are chosen from it.
type rawSection struct {
	kind       string
	port       string
	proto      string
	foreign    bool // neither audio nor video
	pts        []uint8
	mid        string
	direction  string
	bundleOnly bool
	mux        bool
	maps       map[uint8]string
	fmtp       map[uint8]string
	feedback   map[uint8][]string
	exts       []extmap
	rids       []string
	simulcast  string
	ssrcs      []uint32
	fid        []SSRC
}

type extmap struct {
	id  int
	uri string
}

type parser struct {
	offer      *Offer
	sections   []*rawSection
	bundle     []string
	grouped    bool
	candidates int
	direction  string
	player     bool
}

// Parse reads an offer. Codecs are those the node forwards, all others are trimmed away. A section that goes both ways is
// taken as one that the client sends in. What it gives holds on to nothing of the text, which may be long.
func Parse(sdp string, codecs []Codec) (*Offer, error) { return parse(sdp, codecs, false) }

// ParsePlayer reads the offer of a client that may not publish: a section that goes both ways is a slot.
func ParsePlayer(sdp string, codecs []Codec) (*Offer, error) { return parse(sdp, codecs, true) }

func parse(sdp string, codecs []Codec, player bool) (*Offer, error) {
	if len(sdp) > MaxBytes {
		return nil, refuse("larger than %d bytes", MaxBytes)
	}
	p := &parser{offer: &Offer{}, player: player}
	first := true
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if first && line != "v=0" {
			return nil, refuse("no session description")
		}
		first = false
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	return p.finish(codecs)
}

func (p *parser) line(line string) error {
	if len(line) > maxLine || len(line) < 2 || line[1] != '=' {
		return refuse("malformed line")
	}
	for i := range len(line) {
		if c := line[i]; (c < 0x20 && c != '\t') || c == 0x7f {
			return refuse("control character")
		}
	}
	value := line[2:]
	switch line[0] {
	case 'o':
		p.offer.Mozilla = strings.HasPrefix(value, "mozilla")
	case 'm':
		return p.media(value)
	case 'a':
		key, value, _ := strings.Cut(value, ":")
		if handled, err := p.transport(key, value); handled || err != nil {
			return err
		}
		if n := len(p.sections); n > 0 {
			return p.sections[n-1].attribute(key, value)
		}
		if isDirection(key) {
			p.direction = key
		}
	}
	return nil
}

func isDirection(key string) bool {
	return key == "sendonly" || key == "recvonly" || key == "sendrecv" || key == "inactive"
}

func (p *parser) media(value string) error {
	if len(p.sections) == MaxSections {
		return refuse("more than %d sections", MaxSections)
	}
	fields := strings.Fields(value)
	if len(fields) < 4 {
		return refuse("malformed m-line")
	}
	s := &rawSection{
		kind: fields[0], port: fields[1], proto: fields[2], direction: p.direction,
		maps: map[uint8]string{}, fmtp: map[uint8]string{}, feedback: map[uint8][]string{},
	}
	if s.kind == "application" && (s.proto == "UDP/DTLS/SCTP" || s.proto == "TCP/DTLS/SCTP" || s.proto == "DTLS/SCTP") {
		s.foreign = true
		p.sections = append(p.sections, s)
		return nil
	}
	if s.kind != "audio" && s.kind != "video" {
		return refuse("only audio, video and data channel sections are supported")
	}
	if s.proto != "UDP/TLS/RTP/SAVPF" {
		return refuse("transport must be UDP/TLS/RTP/SAVPF")
	}
	if len(fields)-3 > maxFormats {
		return refuse("more than %d payload types in a section", maxFormats)
	}
	for _, f := range fields[3:] {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil || slices.Contains(s.pts, uint8(pt)) {
			return refuse("malformed payload type")
		}
		s.pts = append(s.pts, uint8(pt))
	}
	p.sections = append(p.sections, s)
	return nil
}

// transport takes the attributes that mean the same at both levels.
func (p *parser) transport(key, value string) (bool, error) {
	o := p.offer
	switch key {
	case "candidate":
		if p.candidates++; p.candidates > MaxCandidates {
			return true, refuse("more than %d candidates", MaxCandidates)
		}
	case "group":
		if rest, ok := strings.CutPrefix(value, "BUNDLE"); ok {
			p.bundle, p.grouped = strings.Fields(rest), true
		}
	case "ice-ufrag":
		if !iceChars(value, 4, 256) {
			return true, refuse("malformed ice-ufrag")
		}
		o.Ufrag = firstOf(o.Ufrag, strings.Clone(value))
	case "ice-pwd":
		if !iceChars(value, 22, 256) {
			return true, refuse("malformed ice-pwd")
		}
		o.Password = firstOf(o.Password, strings.Clone(value))
	case "fingerprint":
		return true, p.fingerprint(value)
	case "setup":
		// The node is always the side that waits: only there does the engine show the keys of the media.
		if value != "actpass" && value != "active" {
			return true, refuse("setup must be actpass or active")
		}
		o.Setup = firstOf(o.Setup, strings.Clone(value))
	case "extmap-allow-mixed":
		o.MixedExts = true
	default:
		return false, nil
	}
	return true, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (p *parser) fingerprint(value string) error {
	hash, sum, ok := strings.Cut(value, " ")
	hash = strings.ToLower(hash)
	size := map[string]int{"sha-256": 32, "sha-384": 48, "sha-512": 64}[hash]
	raw, err := hex.DecodeString(strings.ReplaceAll(sum, ":", ""))
	if !ok || size == 0 || err != nil || len(raw) != size || len(sum) != 3*size-1 {
		return refuse("malformed fingerprint")
	}
	if p.offer.Print != "" && !strings.EqualFold(p.offer.Print, sum) {
		return refuse("more than one fingerprint")
	}
	p.offer.Hash, p.offer.Print = strings.Clone(hash), strings.Clone(strings.ToUpper(sum))
	return nil
}

func iceChars(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !alnum(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// token is what mids and rids may be: they are written back into SDP and compared with header extensions.
func token(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alnum(c) && c != '-' && c != '_' && c != '.' && c != '{' && c != '}' {
			return false
		}
	}
	return true
}

func (s *rawSection) attribute(key, value string) error {
	if s.foreign && key != "mid" {
		return nil
	}
	switch key {
	case "sendonly", "recvonly", "sendrecv", "inactive":
		s.direction = key
	case "mid":
		if !token(value) || s.mid != "" {
			return refuse("malformed mid")
		}
		s.mid = strings.Clone(value)
	case "bundle-only":
		s.bundleOnly = true
	case "rtcp-mux", "rtcp-mux-only":
		s.mux = true
	case "rtpmap", "fmtp", "rtcp-fb":
		return s.format(key, value)
	case "extmap":
		return s.extension(value)
	case "rid":
		fields := strings.Fields(value)
		if len(fields) < 2 || !token(fields[0]) || slices.Contains(s.rids, fields[0]) || len(s.rids) == MaxRids {
			return refuse("malformed rid")
		}
		if fields[1] == "send" {
			s.rids = append(s.rids, fields[0])
		}
	case "simulcast":
		s.simulcast = value
	case "ssrc", "ssrc-group":
		return s.stream(key, value)
	}
	return nil
}

func (s *rawSection) format(key, value string) error {
	id, rest, ok := strings.Cut(value, " ")
	if !ok {
		return refuse("malformed %s", key)
	}
	if id == "*" && key == "rtcp-fb" {
		for _, pt := range s.pts {
			s.addFeedback(pt, rest)
		}
		return nil
	}
	n, err := strconv.ParseUint(id, 10, 7)
	if err != nil {
		return refuse("malformed %s", key)
	}
	pt := uint8(n)
	switch key {
	case "rtpmap":
		s.maps[pt] = strings.ToLower(rest)
	case "fmtp":
		s.fmtp[pt] = rest
	case "rtcp-fb":
		s.addFeedback(pt, rest)
	}
	return nil
}

func (s *rawSection) addFeedback(pt uint8, what string) {
	if len(s.feedback[pt]) < 16 {
		s.feedback[pt] = append(s.feedback[pt], what)
	}
}

func (s *rawSection) extension(value string) error {
	id, rest, ok := strings.Cut(value, " ")
	id, _, _ = strings.Cut(id, "/")
	n, err := strconv.ParseUint(id, 10, 16)
	if !ok || err != nil || n == 0 {
		return refuse("malformed extmap")
	}
	if len(s.exts) == maxExts*4 {
		return refuse("too many header extensions")
	}
	uri, _, _ := strings.Cut(rest, " ")
	s.exts = append(s.exts, extmap{id: int(n), uri: uri})
	return nil
}

func (s *rawSection) stream(key, value string) error {
	if group, ok := strings.CutPrefix(value, "FID "); key == "ssrc-group" && ok {
		ids := strings.Fields(group)
		if len(ids) != 2 {
			return refuse("malformed ssrc-group")
		}
		a, errA := strconv.ParseUint(ids[0], 10, 32)
		b, errB := strconv.ParseUint(ids[1], 10, 32)
		if errA != nil || errB != nil || a == 0 || b == 0 || len(s.fid) == maxSSRCs {
			return refuse("malformed ssrc-group")
		}
		s.fid = append(s.fid, SSRC{Primary: uint32(a), RTX: uint32(b)})
		return nil
	}
	if key == "ssrc-group" {
		return nil
	}
	id, _, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return refuse("malformed ssrc")
	}
	if n != 0 && !slices.Contains(s.ssrcs, uint32(n)) {
		if len(s.ssrcs) == 2*maxSSRCs {
			return refuse("too many ssrcs")
		}
		s.ssrcs = append(s.ssrcs, uint32(n))
	}
	return nil
}
