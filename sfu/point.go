package sfu

import (
	"time"

	"incamera/media/layer"
)

// point is one way to show a source: one of its streams, forwarded up to a spatial and a temporal layer within it.
type point struct {
	layer             *Layer
	spatial, temporal uint8
	bitrate           layer.Bitrate // measured
	width, height     uint16        // 0: not known yet
}

// everything is a spatial or temporal layer above all that exist: the stream is forwarded whole.
const everything = 7

// points lists the ways in which the source can be shown now, from the cheapest up.
func (src *Source) points(buf []point, now time.Duration) []point {
	for i, l := range src.layers {
		if !src.set.Alive(i, now) {
			continue
		}
		if l.grid != nil {
			buf = l.points(buf, now)
			continue
		}
		width, height := src.set.Resolution(i)
		buf = append(buf, point{
			layer: l, spatial: everything, temporal: everything,
			bitrate: src.set.Bitrate(i, now), width: width, height: height,
		})
	}
	return buf
}

// points lists the layers within the stream, temporal ones below spatial ones.
func (l *Layer) points(buf []point, now time.Duration) []point {
	for s := range uint8(layer.GridSpatial) {
		if !l.grid.AliveSpatial(s, now) {
			continue
		}
		width, height := l.size(s)
		for t := range uint8(layer.GridTemporal) {
			if l.grid.Alive(s, t, now) {
				buf = append(buf, point{
					layer: l, spatial: s, temporal: t, bitrate: l.grid.Bitrate(s, t, now), width: width, height: height,
				})
			}
		}
	}
	return buf
}

// off lists the spatial layers that the stream had and does not have now, whole.
func (l *Layer) off(buf []point, now time.Duration) []point {
	if l.grid == nil || l.grid.AliveSpatial(uint8(max(l.spatial, 1)-1), now) {
		return buf
	}
	for s := int(l.grid.Top(now)) + 1; s < l.spatial; s++ {
		half := l.spatial - 1 - s
		width, height := l.widest[0]>>half, l.widest[1]>>half
		buf = append(buf, point{
			layer: l, spatial: uint8(s), temporal: everything, bitrate: layer.ExpectSize(width, height),
			width: width, height: height,
		})
	}
	return buf
}

// hint is the place of a spatial layer in the source's hints: of simulcast, the streams are counted there.
func (l *Layer) hint(spatial uint8) int {
	if len(l.source.rids) > 0 {
		return l.index
	}
	return min(int(spatial), max(l.spatial, 1)-1)
}

// hinted says whether the publisher is told what is watched: of a stream of spatial layers, once it is seen what the
// first viewers want.
func (src *Source) hinted() bool {
	if len(src.rids) > 0 {
		return true
	}
	l := src.layers[0]
	return l.spatial > 1 && l.ring != nil && src.peer.shard.now-l.opened >= hintAfter
}

const hintAfter = 2 * time.Second

// size is that of a spatial layer, as the stream told it.
func (l *Layer) size(spatial uint8) (width, height uint16) {
	if n := l.reader.Spatial; n > 0 {
		i := min(int(spatial), n-1)
		if l.reader.Width[i] != 0 {
			return l.reader.Width[i], l.reader.Height[i]
		}
	}
	return l.source.set.Resolution(l.index)
}

// whole is a stream forwarded with all that it carries.
func whole(l *Layer) point { return point{layer: l, spatial: everything, temporal: everything} }
