package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"incamera/cmd/incamera/load"
	"incamera/cmd/incamera/load/publisher"
)

func loadCommand() *command {
	return &command{name: "load", short: "make load on a deployment and report how it bears it", run: runLoad}
}

func runLoad(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera load --url URL --client ID --key FILE [--rooms K] [--publishers N] [--viewers M] …",
		"Joins K rooms with N people each who send and M who watch, as browsers would, and reports what the server made of\nit. It asks for tokens as an API client does (`incamera admin client add --new-key FILE` makes one). Run it on another\nmachine than the server, or pin both; over UDP only.")
	var o load.Options
	f.StringVar(&o.URL, "url", "", "the deployment's public `URL`, as in http.public_url")
	f.StringVar(&o.Client, "client", "", "`id` of the API client")
	f.StringVar(&o.Key, "key", "", "`file` with the API client's private key")
	f.StringVar(&o.CA, "ca", "", "`file` with an authority to trust besides the system's (a server's own ca.crt)")
	f.IntVar(&o.Rooms, "rooms", 1, "meetings at once")
	f.IntVar(&o.Publishers, "publishers", 1, "people of each room who send")
	f.IntVar(&o.Viewers, "viewers", 10, "people of each room who only watch")
	f.IntVar(&o.Cameras, "cameras", 0, "of the publishers of each room, so many have a camera; 0: all")
	f.IntVar(&o.Talking, "talking", 0, "so many have the word at once; 0: one, and now and then two")
	f.BoolVar(&o.Watch, "publishers-watch", false, "those who send watch too, as in a meeting")
	video := f.String("video", string(publisher.Simulcast), "how cameras are sent: `simulcast` (VP8), svc (VP9 L3T3_KEY), single (VP8) or none")
	kbit := f.String("kbit", "150,500,1200", "kbit/s of the `layers` from small to large; single sends the last")
	f.IntVar(&o.FPS, "fps", 25, "pictures a second")
	f.BoolVar(&o.Audio, "audio", true, "microphones; one person after the other has the word")
	f.IntVar(&o.Slots, "slots", 1, "pictures that each viewer sees at once, 1 to 25")
	f.Float64Var(&o.JoinsPerSecond, "joins-per-second", 10, "how fast people come")
	f.DurationVar(&o.LayoutEvery, "layout-every", 10*time.Second, "how often each viewer changes the layout; 0: never")
	f.DurationVar(&o.Duration, "duration", time.Minute, "how long is measured, once all have joined")
	f.DurationVar(&o.Warmup, "warmup", 3*time.Second, "wait between the last join and the measurement")
	f.IntVar(&o.Sample, "sample", 64, "one packet of so `many` is opened and its latency counted")
	metrics := f.String("metrics", "", "`addresses` of the servers' metrics pages, separated by commas (http://127.0.0.1:8481/metrics)")
	f.IntVar(&o.PID, "pid", 0, "process `id` of the server, when it runs on this machine")
	lines := f.Bool("json", false, "lines of JSON instead of a table: one each second, and the report")
	if err := parse(f, args); err != nil {
		return err
	}
	o.Video = publisher.Shape(*video)
	if *metrics != "" {
		o.Metrics = strings.Split(*metrics, ",")
	}
	var err error
	if o.Kbit, err = load.ParseKbit(*kbit); err == nil {
		err = o.Validate()
	}
	if wrong := (*load.FlagError)(nil); errors.As(err, &wrong) {
		fmt.Fprintln(w.stderr, "incamera load:", err)
		return errUsage
	} else if err != nil {
		return err
	}
	if *lines {
		l := load.Lines{Out: w.stdout}
		report, err := load.Run(ctx, o, l)
		if err == nil {
			l.Report(report)
		}
		return err
	}
	show := load.Progress(load.Silent{})
	if screen, ok := w.stderr.(*os.File); ok && load.Terminal(screen) {
		show = load.Bar{Out: screen}
	}
	report, err := load.Run(ctx, o, show)
	if err == nil {
		load.Table(w.stdout, report)
	}
	return err
}
