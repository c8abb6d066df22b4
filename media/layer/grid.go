package layer

import "time"

// The most layers that are measured within one stream; what lies above counts with the highest.
const (
	GridSpatial  = 4
	GridTemporal = 4
)

// Grid measures the spatial and temporal layers within one stream. The zero value is ready. Not for concurrent use.
type Grid struct {
	cells [GridSpatial][GridTemporal]meter
	last  [GridSpatial][GridTemporal]time.Duration
	seen  [GridSpatial][GridTemporal]bool
}

// Packet takes note of a packet of a layer.
func (g *Grid) Packet(spatial, temporal uint8, bytes int, now time.Duration) {
	s, t := min(spatial, GridSpatial-1), min(temporal, GridTemporal-1)
	g.cells[s][t].add(bytes, now)
	g.last[s][t], g.seen[s][t] = now, true
}

// Alive says whether the layer had a packet within the last second.
func (g *Grid) Alive(spatial, temporal uint8, now time.Duration) bool {
	return spatial < GridSpatial && temporal < GridTemporal && g.seen[spatial][temporal] && now-g.last[spatial][temporal] <= Alive
}

// AliveSpatial says whether any temporal layer of the spatial layer is alive.
func (g *Grid) AliveSpatial(spatial uint8, now time.Duration) bool {
	for t := range uint8(GridTemporal) {
		if g.Alive(spatial, t, now) {
			return true
		}
	}
	return false
}

// Top is the highest living spatial layer.
func (g *Grid) Top(now time.Duration) uint8 {
	for s := uint8(GridSpatial - 1); s > 0; s-- {
		if g.AliveSpatial(s, now) {
			return s
		}
	}
	return 0
}

// Bitrate is what all layers up to this one carried over the last second or so.
func (g *Grid) Bitrate(spatial, temporal uint8, now time.Duration) Bitrate {
	var sum Bitrate
	for s := range min(spatial, GridSpatial-1) + 1 {
		for t := range min(temporal, GridTemporal-1) + 1 {
			sum += g.cells[s][t].rate(now)
		}
	}
	return sum
}
