package sfu

import "incamera/media/ahead"

// How many receivers ahead their state is fetched: first what lists name, then what is behind that. With few receivers it
// is in the caches anyway, with a thousand it never is.
const (
	fetchFar  = 4
	fetchNear = 2
	fetchDown = 4 // slots of one receiver

	peerLines = 4 // of what a packet touches
	downLines = 10
	flowLines = 8
)

// fetchListed is for the i-th of the slots that a layer goes to.
func fetchListed(downs []*Down, i int) {
	if i+fetchFar < len(downs) {
		ahead.Lines(downs[i+fetchFar], 1)
		ahead.Lines(downs[i+fetchNear].peer, peerLines)
	}
}

// fetchNext is for the i-th of the receivers that get something.
func fetchNext(peers []*Peer, i int) {
	if i+fetchFar >= len(peers) {
		return
	}
	p := peers[i+fetchFar]
	ahead.Lines(p, peerLines)
	ahead.Lines(p.flow, flowLines)
	ahead.Lines(p.dest, 1)
	for _, w := range p.work[:min(len(p.work), fetchDown)] {
		ahead.Lines(w.down, downLines)
	}
	p = peers[i+fetchNear]
	if p.flow != nil {
		p.flow.Fetch()
	}
	for _, w := range p.work[:min(len(p.work), fetchDown)] {
		d := w.down
		d.rw.Fetch()
		d.stream.Fetch()
		if d.video {
			ahead.Lines(d.vp8, 1)
		}
	}
}
