package main

import (
	"bufio"
	"bytes"
	"os/exec"
	"sort"
	"strings"
)

// stage names a part of the path by the functions that are it. The first one that is found counts, from the innermost
// frame of a stack outwards.
type stage struct {
	name  string
	parts []string
}

// kernelStages tell apart what happens within a system call.
var kernelStages = []stage{
	{"kernel, send: cut into datagrams (GSO)", []string{"skb_segment", "__skb_gso_segment", "__udp_gso_segment", "skb_gso_segment", "skb_udp_tunnel_segment", "validate_xmit_skb", "udp_queue_rcv_skb_gso"}},
	{"kernel, send: to the receiver's socket (loopback's doing)", []string{"__netif_receive_skb", "net_rx_action", "process_backlog", "do_softirq", "__local_bh_enable_ip", "handle_softirqs", "irq_exit_rcu"}},
	{"kernel, send: route, IP and queue", []string{"ip_route_output_flow", "ip_route_output_key_hash", "__dev_queue_xmit", "ip_finish_output2", "ip_output", "ip_send_skb", "udp_send_skb", "udp_send_skb.isra.0"}},
	{"kernel, send: copy and memory", []string{"__ip_append_data", "ip_make_skb", "ip_generic_getfrag", "sock_alloc_send_pskb"}},
	{"kernel, send: the rest of sendmmsg", []string{"__sys_sendmmsg", "__x64_sys_sendmmsg", "___sys_sendmsg", "__sys_sendto", "__x64_sys_sendto"}},
	{"kernel, receive", []string{"__sys_recvmmsg", "__x64_sys_recvmmsg", "do_recvmmsg", "___sys_recvmsg"}},
	{"kernel, sleep and wake", []string{"schedule", "__schedule", "do_epoll_wait", "do_epoll_pwait", "__x64_sys_epoll_pwait", "__x64_sys_futex", "do_futex", "finish_task_switch.isra.0", "ret_from_fork", "__x64_sys_nanosleep"}},
}

// ownStages are the project's and the runtime's.
var ownStages = []stage{
	{"seal", []string{"incamera/sfu/srtp.(*Stream).Seal", "incamera/sfu/srtp.(*gcm).sealRTP"}},
	{"open", []string{"incamera/sfu/srtp.(*In).Open", "incamera/sfu/srtp.(*In).Peek"}},
	{"estimate and pace of what is sent", []string{"incamera/media/send.", "incamera/media/bwe.", "incamera/media/twcc.(*History)", "incamera/media/pacer.", "incamera/sfu.(*Peer).sent", "incamera/sfu.(*Peer).budget"}},
	{"feedback and reports that come in", []string{"incamera/sfu.(*Shard).rtcp", "incamera/sfu.(*Shard).reports"}},
	{"batch", []string{"incamera/sfu/udp.(*Batch)"}},
	{"header and descriptor", []string{"incamera/media/rtp.Put", "incamera/sfu.(*Down).header", "incamera/media/codec.", "incamera/sfu.(*Down).descriptor"}},
	{"numbers, timestamps, layer", []string{"incamera/media/rewrite.", "incamera/sfu.(*Down)."}},
	{"who gets what", []string{"incamera/sfu.(*Shard).forwardFresh"}},
	{"way in: demux, ring, facts", []string{"incamera/sfu.(*Shard).demux", "incamera/sfu.(*Shard).Datagram", "incamera/sfu.(*Shard).media", "incamera/sfu/udp.(*rxRing)"}},
	{"tick", []string{"incamera/sfu.(*Shard).tick", "incamera/sfu.(*Room).tick"}},
	{"ICE, DTLS", []string{"github.com/pion/"}},
	{"shard's loop", []string{"incamera/sfu."}},
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcDrain", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcAssistAlloc"}},
	{"Go's scheduler", []string{"runtime."}},
}

// stageOf classifies a stack of symbols, innermost first.
func stageOf(stack []string) string {
	for _, list := range [][]stage{kernelStages, ownStages} {
		for _, s := range list {
			for _, symbol := range stack {
				for _, part := range s.parts {
					if symbol == part || strings.HasPrefix(symbol, part) && (strings.HasSuffix(part, ".") || strings.HasSuffix(part, "/") || strings.HasPrefix(part, "incamera/")) {
						return s.name
					}
				}
			}
		}
	}
	return "other"
}

type share struct {
	Stage string  `json:"stage"`
	Part  float64 `json:"share"`
}

// stages sums up the samples of a perf recording.
func stages(tool, path string) ([]share, error) {
	out, err := exec.Command(tool, "script", "-i", path, "-F", "ip,sym").Output()
	if err != nil {
		return nil, err
	}
	counts, total := map[string]int{}, 0
	var stack []string
	flush := func() {
		if len(stack) > 0 {
			counts[stageOf(stack)]++
			total++
			stack = stack[:0]
		}
	}
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 2 {
			flush()
			continue
		}
		stack = append(stack, strings.TrimSuffix(strings.Join(f[1:], " "), ".abi0"))
	}
	flush()
	var list []share
	for name, n := range counts {
		list = append(list, share{name, float64(n) / float64(max(1, total))})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Part > list[j].Part })
	return list, nil
}
