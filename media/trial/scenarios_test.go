package trial

import (
	"time"

	"incamera/media/layer"
	"incamera/media/link"
)

const ms = time.Millisecond

func kbit(steps ...int) (out []link.Step) {
	for i := 0; i+1 < len(steps); i += 2 {
		out = append(out, link.Step{At: time.Duration(steps[i]) * time.Second, Rate: 1000 * layer.Bitrate(steps[i+1])})
	}
	return out
}

func lossy(share float64) Scenario {
	return Scenario{Down: link.Options{Delay: 20 * ms, Loss: share}, Up: link.Options{Delay: 20 * ms, Loss: share}}
}

func narrow(queue time.Duration, senders int, steps ...int) Scenario {
	rates := kbit(steps...)
	return Scenario{
		Down:    link.Options{Rates: rates, Queue: int(float64(rates[0].Rate) / 8 * queue.Seconds()), Delay: 20 * ms},
		Up:      link.Options{Delay: 20 * ms},
		Senders: senders,
	}
}

// shaped lets a burst pass now and then.
func shaped(s Scenario) Scenario {
	s.Down.Bucket = 4000
	return s
}

func three(s Scenario, kbits ...int) Scenario {
	s.Rates = nil
	for _, k := range kbits {
		s.Rates = append(s.Rates, layer.Bitrate(k)*1000)
	}
	return s
}

// starved is a program on a machine that has too much to do.
var starved = link.Stalls{Least: 50 * ms, Most: 300 * ms, Apart: 200 * ms, Each: ms}

// busy is one that still does most of it.
var busy = link.Stalls{Least: 30 * ms, Most: 150 * ms, Apart: time.Second, Each: ms}

var scenarios = map[string]Scenario{
	"free":   {Down: link.Options{Delay: 20 * ms}, Up: link.Options{Delay: 20 * ms}},
	"loss5":  lossy(0.05),
	"loss10": lossy(0.1),
	"loss30": lossy(0.3),
	"drop":   three(narrow(200*ms, 1, 0, 2000, 10, 300, 20, 2000), 150, 500, 1400),
	"step": {
		Down: link.Options{Rates: kbit(0, 0, 3, 2000, 10, 300, 22, 2000), Queue: 64 << 10, Delay: 20 * ms},
		Up:   link.Options{Delay: 20 * ms}, Rates: []layer.Bitrate{150_000, 500_000, 1_500_000}, For: 40 * time.Second,
	},
	"link05":   narrow(200*ms, 8, 0, 500),
	"link1":    narrow(200*ms, 8, 0, 1000),
	"link2":    narrow(200*ms, 8, 0, 2000),
	"link5":    narrow(200*ms, 8, 0, 5000),
	"link10":   narrow(200*ms, 8, 0, 10000),
	"shaped05": shaped(narrow(200*ms, 8, 0, 500)),
	"shaped2":  shaped(narrow(200*ms, 8, 0, 2000)),
	"link100":  narrow(200*ms, 1, 0, 100),
	"shrunk100": {
		Down: link.Options{Rates: kbit(0, 2000, 6, 100), Queue: 64 << 10, Delay: 20 * ms},
		Up:   link.Options{Delay: 20 * ms}, Rates: []layer.Bitrate{150_000, 500_000, 1_500_000}, For: 71 * time.Second,
	},
	"policed": narrow(15*ms, 8, 0, 2000),
	"jitter": {
		Down: link.Options{Delay: 100 * ms, Jitter: 30 * ms}, Up: link.Options{Delay: 100 * ms, Jitter: 30 * ms},
	},
	"stalls": {Down: link.Options{Delay: 20 * ms, Stall: 150 * ms, StallEach: 400 * ms}, Up: link.Options{Delay: 20 * ms, Stall: 150 * ms, StallEach: 400 * ms}},
	"starved-viewer": {
		Down: link.Options{Delay: 20 * ms, Stalls: starved}, Up: link.Options{Delay: 20 * ms, Stalls: starved},
	},
	"starved-node": {Down: link.Options{Delay: 20 * ms}, Up: link.Options{Delay: 20 * ms}, Node: starved},
	"starved-narrow": {
		Down: link.Options{Rates: kbit(0, 300), Queue: 64 << 10, Delay: 20 * ms, Stalls: busy}, Up: link.Options{Delay: 20 * ms, Stalls: busy},
		Node: busy, Rates: []layer.Bitrate{150_000, 500_000, 1_500_000},
	},
	"starved": {
		Down: link.Options{Delay: 20 * ms, Stalls: starved}, Up: link.Options{Delay: 20 * ms, Stalls: starved}, Node: starved,
	},
	"burst":     {Down: link.Options{Delay: 20 * ms, BurstLoss: 0.03, Burst: 8}, Up: link.Options{Delay: 20 * ms, BurstLoss: 0.03, Burst: 8}},
	"reorder":   {Down: link.Options{Delay: 20 * ms, Reorder: 0.05}, Up: link.Options{Delay: 20 * ms, Reorder: 0.05}},
	"duplicate": {Down: link.Options{Delay: 20 * ms, Duplicate: 0.05}, Up: link.Options{Delay: 20 * ms, Duplicate: 0.05}},
}
