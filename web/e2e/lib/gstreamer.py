"""webrtcbin as an encoder or a player: the HTTP is done here, all of WebRTC by GStreamer.

    gstreamer.py publish URL KEY [vp8|h264]     gstreamer.py play URL KEY

Prints a line for what happens; a line on standard input, or its end, ends the session.
"""
import sys
import threading
import urllib.parse
import urllib.request

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENCODERS = {
    'vp8': 'vp8enc deadline=1 target-bitrate=500000 keyframe-max-dist=60 ! rtpvp8pay pt=96',
    'h264': 'openh264enc bitrate=500000 ! h264parse ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency',
}
PUBLISH = ('webrtcbin name=peer bundle-policy=max-bundle '
           'videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert ! %s ! peer. '
           'audiotestsrc is-live=true freq=440 ! audioconvert ! opusenc ! rtpopuspay pt=97 ! peer.')
RECEIVE = {
    'video': 'application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000',
    'audio': 'application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2',
}


def say(*words):
    print(*words, flush=True)


class Client:
    def __init__(self, mode, url, key, codec='vp8'):
        self.url, self.key, self.location, self.decoded = url, key, None, {'video': 0, 'audio': 0}
        self.loop = GLib.MainLoop()
        self.pipe = Gst.Pipeline.new() if mode == 'play' else Gst.parse_launch(PUBLISH % ENCODERS[codec])
        if mode == 'play':
            self.peer = Gst.ElementFactory.make('webrtcbin', 'peer')
            self.peer.set_property('bundle-policy', GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipe.add(self.peer)
            for caps in RECEIVE.values():
                self.peer.emit('add-transceiver', GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
            self.peer.connect('pad-added', self.arrived)
        else:
            self.peer = self.pipe.get_by_name('peer')
        self.peer.connect('on-negotiation-needed', self.negotiate)
        self.peer.connect('notify::connection-state', lambda *_: say('state', self.peer.get_property('connection-state').value_nick))

    def negotiate(self, _):
        self.peer.emit('create-offer', None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value('offer')
        self.peer.emit('set-local-description', offer, Gst.Promise.new())
        request = urllib.request.Request(self.url, data=offer.sdp.as_text().encode(), method='POST', headers={
            'Authorization': 'Bearer ' + self.key, 'Content-Type': 'application/sdp'})
        try:
            with urllib.request.urlopen(request) as response:
                self.location = urllib.parse.urljoin(self.url, response.headers['Location'])
                text = response.read()
        except urllib.error.HTTPError as refused:
            say('refused', refused.code, refused.read().decode())
            self.loop.quit()
            return
        _, sdp = GstSdp.SDPMessage.new()
        GstSdp.sdp_message_parse_buffer(text, sdp)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.peer.emit('set-remote-description', answer, Gst.Promise.new())
        say('answered')

    def arrived(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        media = pad.get_current_caps().get_structure(0).get_string('media')
        chain = 'rtpvp8depay ! vp8dec' if media == 'video' else 'rtpopusdepay ! opusdec'
        sink = Gst.parse_bin_from_description(f'queue ! {chain} ! fakesink name=out sync=false signal-handoffs=true', True)
        self.pipe.add(sink)
        sink.get_by_name('out').connect('handoff', self.count, media)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad('sink'))

    def count(self, _sink, _buffer, _pad, media):
        self.decoded[media] += 1
        if self.decoded[media] == 30:
            say('decoded', media)

    def run(self):
        threading.Thread(target=lambda: (sys.stdin.readline(), self.loop.quit()), daemon=True).start()
        self.pipe.set_state(Gst.State.PLAYING)
        self.loop.run()
        if self.location:
            request = urllib.request.Request(self.location, method='DELETE', headers={'Authorization': 'Bearer ' + self.key})
            with urllib.request.urlopen(request) as response:
                say('ended', response.status)
        self.pipe.set_state(Gst.State.NULL)


Gst.init(None)
Client(*sys.argv[1:]).run()
