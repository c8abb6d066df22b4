package sfu

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/media/layer"
	"incamera/sfu/offer"
	"incamera/sfu/turn"
)

// Hard bounds, whatever is configured.
const (
	maxShards     = 64
	maxAudioSlots = 8
	maxVideoSlots = 64
	maxStreams    = 32 // incoming SSRCs of one peer
	maxAddrs      = 8  // remote addresses remembered of one peer
	maxEarly      = 64 // media datagrams kept of a peer until its keys are there
)

// Options of a Node.
type Options struct {
	ID        string         // the node's id, for logs
	Shards    int            // goroutines that carry media, each with its own UDP port; 0: one per core
	Listen    netip.AddrPort // shard 0's UDP address, shard i has port + i; port 0: any free ports
	Advertise []netip.Addr   // what clients are told to send to; empty: Listen's address, which must then be concrete

	// TCP serves ICE over TCP: connections whose first bytes are framed STUN. Empty: none. The node closes them.
	TCP []net.Listener
	// TCPAdvertise are the addresses that clients are told for it.
	TCPAdvertise []netip.AddrPort
	// Relay is the node's own TURN; nil: none.
	Relay *RelayOptions

	AudioSlots int      // loudest voices that a receiver hears; 0: 3
	VideoSlots int      // video slots accepted in a first offer; 0: 9. Growth goes up to 64
	Codecs     []string // opus is always in; empty: VP8, VP9, H264, AV1

	StartBitrate layer.Bitrate // what a new receiver's path is taken to carry until its feedback tells; 0: 600 kbit/s

	RoomPart        int // transports of one room on one shard, before the room spreads to others; 0: 200
	MaxParticipants int // transports on this node; 0: 1000
	MaxRooms        int // 0: 500
	RefuseLoad      int // permill of a core: no new rooms while every shard is as busy; 0: 850, 1001: never
	ShedLoad        int // permill of a core: a shard that is as busy sends less video; 0: 900, 1001: never

	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
}

// RelayOptions are where the node's own relay listens, and what clients are told of it. The node closes the listeners.
type RelayOptions struct {
	Packets []net.PacketConn
	Streams []turn.Stream
	URLs    []string // turn:… and turns:…, RFC 7065
	// Own are addresses of this machine, without loopback and link-local ones: a relay whose shards listen on all of them
	// is opened at one of these, as Firefox takes no relay on loopback.
	Own []netip.Addr
}

// Validate checks the options.
func (o Options) Validate() error {
	if o.Log == nil || o.Registerer == nil {
		return errors.New("sfu: Log and Registerer are required")
	}
	if o.Shards < 0 || o.Shards > maxShards {
		return fmt.Errorf("sfu: %d shards, at most %d", o.Shards, maxShards)
	}
	if !o.Listen.IsValid() {
		return errors.New("sfu: Listen is required")
	}
	if len(o.TCP) > 0 != (len(o.TCPAdvertise) > 0) {
		return errors.New("sfu: TCP needs addresses to advertise, and the other way round")
	}
	if len(o.Advertise) == 0 && o.Listen.Addr().IsUnspecified() {
		return errors.New("sfu: an address to advertise is required when listening on all of them")
	}
	if o.AudioSlots < 0 || o.AudioSlots > maxAudioSlots || o.VideoSlots < 0 || o.VideoSlots > maxVideoSlots {
		return errors.New("sfu: too many slots")
	}
	if o.RoomPart < 0 || o.RefuseLoad < 0 || o.ShedLoad < 0 {
		return errors.New("sfu: a limit below zero")
	}
	_, err := o.codecs()
	return err
}

func (o Options) withDefaults() Options {
	if o.Shards == 0 {
		o.Shards = min(runtime.NumCPU(), maxShards)
	}
	if len(o.Advertise) == 0 {
		o.Advertise = []netip.Addr{o.Listen.Addr()}
	}
	if o.AudioSlots == 0 {
		o.AudioSlots = 3
	}
	if o.VideoSlots == 0 {
		o.VideoSlots = 9
	}
	if len(o.Codecs) == 0 {
		o.Codecs = []string{"VP8", "VP9", "H264", "AV1"}
	}
	if o.StartBitrate == 0 {
		o.StartBitrate = 600_000
	}
	if o.RoomPart == 0 {
		o.RoomPart = 200
	}
	if o.MaxParticipants == 0 {
		o.MaxParticipants = 1000
	}
	if o.MaxRooms == 0 {
		o.MaxRooms = 500
	}
	if o.RefuseLoad == 0 {
		o.RefuseLoad = 850
	}
	if o.ShedLoad == 0 {
		o.ShedLoad = 900
	}
	return o
}

func (o Options) codecs() ([]offer.Codec, error) {
	list := []offer.Codec{offer.Opus}
	for _, name := range o.Codecs {
		c, ok := offer.ParseCodec(strings.ToLower(name))
		if !ok {
			return nil, fmt.Errorf("sfu: unknown codec %q", name)
		}
		if c != offer.Opus {
			list = append(list, c)
		}
	}
	return list, nil
}
