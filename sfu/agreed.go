package sfu

import "incamera/sfu/offer"

// agreed is what later offers of a transport are held to. The offer itself is larger.
type agreed struct {
	ufrag, print string
	sections     []agreedSection
	exts         [len(offer.Offer{}.Exts)]uint8
	pts          [128]agreedFormat
}

type agreedSection struct {
	mid         string
	video, send bool
}

type agreedFormat struct {
	codec    offer.Codec
	rtx, red uint8
}

func agree(o *offer.Offer) *agreed {
	a := &agreed{ufrag: o.Ufrag, print: o.Print, exts: o.Exts, sections: make([]agreedSection, 0, len(o.Sections))}
	for i := range o.Sections {
		s := &o.Sections[i]
		a.sections = append(a.sections, agreedSection{mid: s.Mid, video: s.Video, send: s.Send})
	}
	for pt := range o.ByPT {
		f := &o.ByPT[pt]
		a.pts[pt] = agreedFormat{codec: f.Codec, rtx: f.RTX, red: f.RED}
	}
	return a
}

// sameSections holds a new offer to what was negotiated: sections are only appended, meanings never change.
func (s *Signal) sameSections(o *offer.Offer) error {
	old := s.agreed
	if old == nil {
		return nil
	}
	next := agree(o)
	if len(next.sections) < len(old.sections) {
		return errMids
	}
	for i, n := range next.sections {
		if i < len(old.sections) && n != old.sections[i] || i >= len(old.sections) && n.send {
			return errMids
		}
	}
	if old.pts != next.pts || old.exts != next.exts || old.print != next.print {
		return errMids
	}
	return nil
}
