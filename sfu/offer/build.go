package offer

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

func (p *parser) finish(codecs []Codec) (*Offer, error) {
	o := p.offer
	p.reject()
	if len(p.sections) == 0 {
		return nil, refuse("no media section")
	}
	if o.Ufrag == "" || o.Password == "" || o.Print == "" || o.Setup == "" {
		return nil, refuse("ICE credentials, fingerprint and setup are required")
	}
	mids := map[string]bool{}
	sending := map[string]int{}
	for _, raw := range p.sections {
		if raw.mid == "" || mids[raw.mid] {
			return nil, refuse("every section needs a mid of its own")
		}
		mids[raw.mid] = true
		// What is alone needs no bundle.
		if !raw.mux || !slices.Contains(p.bundle, raw.mid) && (p.grouped || len(p.sections) > 1) {
			return nil, refuse("all sections must be bundled, with rtcp-mux")
		}
		section, err := p.section(raw, codecs)
		if err != nil {
			return nil, err
		}
		if section.Send {
			if sending[raw.kind]++; sending[raw.kind] > MaxSending/2 {
				return nil, refuse("more than %d sending %s sections", MaxSending/2, raw.kind)
			}
		}
		o.Sections = append(o.Sections, section)
	}
	return o, nil
}

// reject sets aside what the node does not take, so that the rest of the offer can be answered: data channels, sections
// that carry nothing, sections that the client itself has rejected.
func (p *parser) reject() {
	o := p.offer
	taken := p.sections[:0]
	for i, raw := range p.sections {
		if raw.foreign || raw.direction == "inactive" || raw.port == "0" && !raw.bundleOnly {
			o.Rejected = append(o.Rejected, Rejected{Index: i, Line: raw.rejection(), Mid: raw.mid})
		} else {
			taken = append(taken, raw)
		}
	}
	p.sections = taken
	o.Bundled = p.grouped
}

func (p *parser) section(raw *rawSection, codecs []Codec) (Section, error) {
	s := Section{Mid: raw.mid, Video: raw.kind == "video"}
	switch raw.direction {
	case "sendonly":
		s.Send = true
	case "recvonly":
	default:
		// Both ways, as is the default: what its client came for. No section of the node's goes both ways.
		s.Send = !p.player
	}
	if err := p.formats(&s, raw, codecs); err != nil {
		return s, err
	}
	if err := p.extensions(&s, raw); err != nil {
		return s, err
	}
	if !s.Send {
		return s, nil
	}
	if s.Video {
		if err := s.layers(raw); err != nil {
			return s, err
		}
	}
	if len(s.Rids) == 0 {
		s.streams(raw)
	}
	return s, nil
}

// formats keeps one profile per codec: the first payload type that matches by parameters.
func (p *parser) formats(s *Section, raw *rawSection, codecs []Codec) error {
	for _, pt := range raw.pts {
		codec := match(raw.maps[pt], raw.fmtp[pt])
		if codec == None || codec.Video() != s.Video || !slices.Contains(codecs, codec) || s.has(codec) {
			continue
		}
		f := Format{PT: pt, Codec: codec, Fmtp: trimmedFmtp(codec, raw.fmtp[pt])}
		if p.offer.ByPT[pt].Codec == codec {
			f.Fmtp = p.offer.ByPT[pt].Fmtp
		}
		for _, fb := range raw.feedback[pt] {
			if fb == "transport-cc" || fb == "nack" || s.Video && fb == "nack pli" {
				if !slices.Contains(f.Feedback, fb) {
					f.Feedback = append(f.Feedback, strings.Clone(fb))
				}
			}
		}
		if s.Video {
			f.RTX = raw.rtxOf(pt)
		} else {
			f.RED = raw.redOf(pt)
			f.REDFirst = f.RED != 0 && slices.Index(raw.pts, f.RED) < slices.Index(raw.pts, pt)
		}
		if err := p.claim(f); err != nil {
			return err
		}
		s.Formats = append(s.Formats, f)
	}
	if len(s.Formats) == 0 {
		return refuse("a section without a supported codec")
	}
	return nil
}

func (s *Section) has(c Codec) bool {
	return slices.ContainsFunc(s.Formats, func(f Format) bool { return f.Codec == c })
}

func (raw *rawSection) rtxOf(pt uint8) uint8 {
	for _, other := range raw.pts {
		if strings.HasPrefix(raw.maps[other], "rtx/90000") {
			apt, _, _ := strings.Cut(parameter(raw.fmtp[other], "apt"), ";")
			if n, err := strconv.ParseUint(apt, 10, 7); err == nil && uint8(n) == pt {
				return other
			}
		}
	}
	return 0
}

// redOf finds the redundant form of a payload type: one whose every block is of that type.
func (raw *rawSection) redOf(pt uint8) uint8 {
	for _, other := range raw.pts {
		if raw.maps[other] != "red/48000/2" || raw.fmtp[other] == "" {
			continue
		}
		all := true
		for block := range strings.SplitSeq(raw.fmtp[other], "/") {
			n, err := strconv.ParseUint(strings.TrimSpace(block), 10, 7)
			all = all && err == nil && uint8(n) == pt
		}
		if all {
			return other
		}
	}
	return 0
}

// claim holds the bundle's rule that a payload type means the same in every section.
func (p *parser) claim(f Format) error {
	o := p.offer
	old := &o.ByPT[f.PT]
	if old.Codec != None && old.Codec != f.Codec || o.RTXOf[f.PT] != 0 || o.REDOf[f.PT] != 0 {
		return refuse("payload type %d has two meanings", f.PT)
	}
	if old.Codec == None {
		*old = f
	}
	if f.RED != 0 {
		if o.ByPT[f.RED].Codec != None || o.RTXOf[f.RED] != 0 || o.REDOf[f.RED] != 0 && o.REDOf[f.RED] != f.PT {
			return refuse("payload type %d has two meanings", f.RED)
		}
		o.REDOf[f.RED] = f.PT
		if old.RED == 0 {
			old.RED, old.REDFirst = f.RED, f.REDFirst
		}
	}
	if f.RTX == 0 {
		return nil
	}
	if o.ByPT[f.RTX].Codec != None || o.REDOf[f.RTX] != 0 || o.RTXOf[f.RTX] != 0 && o.RTXOf[f.RTX] != f.PT {
		return refuse("payload type %d has two meanings", f.RTX)
	}
	o.RTXOf[f.RTX] = f.PT
	if old.RTX == 0 {
		old.RTX = f.RTX
	}
	return nil
}

func (p *parser) extensions(s *Section, raw *rawSection) error {
	for _, e := range raw.exts {
		// One-byte ids only: the node writes one-byte headers.
		if e.id > 14 {
			continue
		}
		ext := Ext(slices.Index(extURIs[:], e.uri))
		if ext <= ExtNone || ext >= extCount || !ext.Use(s.Send, s.Video) || s.Exts[ext] != 0 {
			continue
		}
		id := uint8(e.id)
		for other, used := range p.offer.Exts {
			if used == id && Ext(other) != ext {
				return refuse("header extension id %d has two meanings", id)
			}
		}
		if known := p.offer.Exts[ext]; known != 0 && known != id {
			return refuse("one header extension with two ids")
		}
		p.offer.Exts[ext], s.Exts[ext] = id, id
	}
	return nil
}

// layers orders the rids as a=simulcast names them, which is where the order has a meaning.
func (s *Section) layers(raw *rawSection) error {
	if raw.simulcast == "" {
		if len(raw.rids) > 0 {
			return refuse("rids without simulcast")
		}
		return nil
	}
	fields := strings.Fields(raw.simulcast)
	if len(fields) < 2 || fields[0] != "send" {
		return refuse("malformed simulcast")
	}
	for alternative := range strings.SplitSeq(fields[1], ";") {
		rid, _, _ := strings.Cut(alternative, ",")
		rid = strings.TrimPrefix(rid, "~")
		if !slices.Contains(raw.rids, rid) || slices.Contains(s.Rids, rid) {
			return refuse("malformed simulcast")
		}
		s.Rids = append(s.Rids, strings.Clone(rid))
	}
	return nil
}

func (s *Section) streams(raw *rawSection) {
	s.SSRCs = append(s.SSRCs, raw.fid...)
	for _, ssrc := range raw.ssrcs {
		if len(s.SSRCs) < maxSSRCs && !slices.ContainsFunc(s.SSRCs, func(k SSRC) bool {
			return k.Primary == ssrc || k.RTX == ssrc
		}) {
			s.SSRCs = append(s.SSRCs, SSRC{Primary: ssrc})
		}
	}
}

// match finds the codec of a payload type by name and parameters: names alone hide profiles, and clients differ in what
// they leave out.
func match(rtpmap, fmtp string) Codec {
	switch rtpmap {
	case "opus/48000/2":
		return Opus
	case "vp8/90000":
		return VP8
	case "vp9/90000":
		if id := parameter(fmtp, "profile-id"); id == "" || id == "0" {
			return VP9
		}
	case "h264/90000":
		if parameter(fmtp, "packetization-mode") == "1" && constrainedBaseline(parameter(fmtp, "profile-level-id")) {
			return H264
		}
	case "av1/90000":
		if id := parameter(fmtp, "profile"); id == "" || id == "0" {
			return AV1
		}
	}
	return None
}

// constrainedBaseline knows the spellings of H.264's Constrained Baseline profile (RFC 6184 table 5).
func constrainedBaseline(profile string) bool {
	bits, err := hex.DecodeString(profile)
	if err != nil || len(bits) != 3 || bits[1]&0x0f != 0 {
		return false
	}
	switch bits[0] {
	case 0x42:
		return bits[1]&0x40 != 0
	case 0x4d:
		return bits[1]&0x80 != 0
	case 0x58:
		return bits[1]&0xc0 == 0xc0
	}
	return false
}

// parameter finds key in a semicolon separated list of format parameters.
func parameter(fmtp, key string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// trimmedFmtp is what is answered. Opus gets usedtx: without it silence costs fifty packets a second.
func trimmedFmtp(c Codec, fmtp string) string {
	switch c {
	case Opus:
		return "minptime=10;useinbandfec=1;usedtx=1"
	case VP9:
		return "profile-id=0"
	case H264:
		// The profile stays as the client spells it: there are several ways, and some compare them as text.
		profile := strings.ToLower(parameter(fmtp, "profile-level-id"))
		return "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profile[:4] + "1f"
	case AV1:
		return ""
	}
	return ""
}
