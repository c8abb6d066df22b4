// What the dashboard shows: rows of panels. build.mjs turns this into Grafana's JSON.
//
// Each panel has a title, a unit (Grafana's ids), one sentence that says what a bad value means, and its queries as
// [expression, legend]. `$sel` stands for the label selector of the dashboard's variables; a comma after it is added
// where more labels follow. `empty` names why a panel has nothing to show while all is well; every other panel must
// show data during a meeting, and web/e2e/observability.test.mjs holds that.

const rate = (metric, labels = '') => `rate(${metric}{$sel${labels && `, ${labels}`}}[$__rate_interval])`;
const sumBy = (by, metric, labels) => `sum by (${by}) (${rate(metric, labels)})`;
const quantile = (q, metric, by = '', labels = '') =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (${rate(`${metric}_bucket`, labels)}))`;

export const rows = [
  {
    title: 'Meetings and people',
    panels: [
      { title: 'People in meetings', unit: 'short', type: 'stat', text: 'A sudden fall while nobody left means that a process or a network is gone.',
        queries: [['sum(incamera_signaling_joined{$sel})', 'people']] },
      { title: 'Meetings', unit: 'short', type: 'stat', text: 'Rooms with people or waiters, summed over signaling instances; a room whose people sit on two instances counts twice.',
        queries: [['sum(incamera_signaling_rooms{$sel})', 'rooms']] },
      { title: 'People waiting', unit: 'short', type: 'stat', text: 'People at a door: a number that only rises means that no host is letting anybody in.',
        queries: [['sum(incamera_signaling_waiting{$sel})', 'waiting']] },
      { title: 'People by signaling instance', unit: 'short', text: 'One instance at zero beside busy ones gets no traffic from the load balancer.',
        queries: [['sum by (instance) (incamera_signaling_joined{$sel})', '{{instance}}'], ['sum by (instance) (incamera_signaling_sockets{$sel})', '{{instance}} sockets']] },
      { title: 'Transports by media node', unit: 'short', text: 'More transports than people lasting over a minute means that moves or departures do not finish.',
        queries: [['sum by (instance) (incamera_sfu_participants{$sel})', '{{instance}}']] },
      { title: 'Rooms by media node', unit: 'short', text: 'A node with far more rooms than its peers was the only ready one when those meetings began.',
        queries: [['sum by (instance) (incamera_sfu_rooms{$sel})', '{{instance}}']] },
    ],
  },
  {
    title: 'Joining',
    panels: [
      { title: 'Entries by outcome', unit: 'ops', text: 'internal, no_node and state_unavailable are our fault; token and proof refusals in numbers are an attack or a broken client.',
        queries: [[sumBy('kind, outcome', 'incamera_signaling_entries_total'), '{{kind}} {{outcome}}']] },
      { title: 'Time of an entry by phase, 95th percentile', unit: 's', text: 'Above 0.2 s people notice: auth is hashing and SQL, state is Redis, admit is the media node.',
        queries: [[quantile(0.95, 'incamera_signaling_entry_phase_seconds', 'phase'), '{{phase}}']] },
      { title: 'Transports asked of nodes', unit: 'ops', text: 'Anything but ok means that people get no media: overloaded asks for another node, bad_offer is a client fault.',
        queries: [[sumBy('result', 'incamera_sfu_admit_total'), '{{result}}']] },
      { title: 'Transports ended by cause', unit: 'ops', text: 'silence is a lost network on the way to a person; setup means that ICE or DTLS never finished, often a closed UDP port.',
        queries: [[sumBy('cause', 'incamera_sfu_transport_closed_total'), '{{cause}}']] },
      { title: 'Media encryption of new transports', unit: 'ops', text: 'Anything but AEAD AES-GCM comes from an old client.',
        queries: [[sumBy('profile', 'incamera_sfu_srtp_profile_total'), '{{profile}}']] },
      { title: 'Policy decisions', unit: 'ops', text: 'Denials that rise after a change of rules are people who can no longer enter.',
        queries: [[sumBy('outcome', 'incamera_auth_policy_decisions_total'), '{{outcome}}']] },
    ],
  },
  {
    title: 'Media forwarding',
    panels: [
      { title: 'RTP packets', unit: 'pps', text: 'Out falling while in stays means that nodes receive but do not forward.',
        queries: [[sumBy('instance, direction', 'incamera_sfu_packets_total'), '{{instance}} {{direction}}']] },
      { title: 'RTP bits', unit: 'bps', text: 'Near the capacity of the network card, everybody loses packets at once.',
        queries: [[`8 * ${sumBy('instance, direction', 'incamera_sfu_rtp_bytes_total')}`, '{{instance}} {{direction}}']] },
      { title: 'Busy share of shards', unit: 'percentunit', max: 1, text: 'Above 0.8 a shard has no room for bursts; its people see loss while other shards idle.',
        queries: [[rate('incamera_sfu_shard_busy_seconds_total'), '{{instance}} shard {{shard}}']] },
      { title: 'Load nodes tell', unit: 'percentunit', max: 1, text: 'New rooms go to the lowest; a node at 1 refuses nobody yet but should get no more.',
        queries: [['incamera_sfu_load_ratio{$sel}', '{{instance}}']] },
      { title: 'Time in the node', unit: 's', text: 'From a batch read to its last packet handed to the kernel; more than 5 ms adds jitter that people hear.',
        queries: [[quantile(0.5, 'incamera_sfu_forward_latency_seconds'), 'half'], [quantile(0.99, 'incamera_sfu_forward_latency_seconds'), '99 of 100']] },
      { title: 'Datagrams read at once', unit: 'short', text: 'Rises with load; at the upper end the node reads as fast as it can and is near its limit.',
        queries: [[quantile(0.5, 'incamera_sfu_batch_datagrams'), 'half'], [quantile(0.99, 'incamera_sfu_batch_datagrams'), '99 of 100']] },
      { title: 'Slot switches', unit: 'ops', text: 'A steady high rate in calm meetings means that speakers or layers flap.',
        queries: [[sumBy('instance', 'incamera_sfu_events_total', 'what="switch"'), '{{instance}}']] },
    ],
  },
  {
    title: 'Loss and repair',
    panels: [
      { title: 'Packets not forwarded, by reason', unit: 'pps', text: 'off and duplicate are normal; auth, malformed, garbage are hostile or broken senders; ctrl_full means that the node is behind.',
        queries: [[`${sumBy('reason', 'incamera_sfu_dropped_packets_total')} > 0`, '{{reason}}']], empty: 'nothing was dropped in the last minutes' },
      { title: 'Share of packets dropped', unit: 'percentunit', text: 'Muted sources left out; more than 1 % for minutes harms somebody\'s picture.',
        queries: [['instance:incamera_sfu_dropped_packets:ratio_rate5m{$sel}', '{{instance}}']] },
      { title: 'Datagrams lost at the socket', unit: 'pps', text: 'Anything but zero: the kernel\'s buffers are too small or the machine is too busy.',
        queries: [[sumBy('instance, reason', 'incamera_sfu_socket_dropped_datagrams_total'), '{{instance}} {{reason}}']] },
      { title: 'Repairs', unit: 'pps', text: 'asked without recovered is loss on people\'s way up; requested without answered, or missed, is loss on the way down that stays.',
        queries: [[sumBy('what', 'incamera_sfu_nack_packets_total'), '{{what}}']] },
      { title: 'Key frame requests', unit: 'ops', text: 'sent close to received means that requests are not coalesced; a lasting high rate means that decoders keep failing.',
        queries: [[sumBy('what', 'incamera_sfu_keyframe_requests_total'), '{{what}}']] },
      { title: 'Must stay zero', unit: 'short', text: 'Media written by the engine is refused because it could reuse a nonce, and panics are bugs: one of either is an incident.',
        queries: [['sum by (what) (incamera_sfu_events_total{$sel, what=~"engine_.*"})', '{{what}}'], ['sum(incamera_noderpc_panics_total{$sel})', 'rpc panic']] },
    ],
  },
  {
    title: 'State and processes',
    panels: [
      { title: 'Media nodes in the registry', unit: 'short', text: 'No ready node: nobody can join.',
        queries: [['max by (state) (incamera_registry_nodes{$sel})', '{{state}}']] },
      { title: 'Records not believed', unit: 'ops', text: 'Anything but zero: somebody who is not of this deployment writes to Redis.',
        queries: [[sumBy('reason', 'incamera_registry_ignored_records_total'), '{{reason}}']], empty: 'every record is signed by this deployment' },
      { title: 'Redis latency, 99th percentile', unit: 's', text: 'Above 50 ms joins slow down; at 1 s calls are given up.',
        queries: [[quantile(0.99, 'incamera_redis_latency_seconds', 'op'), '{{op}}']] },
      { title: 'Redis calls without an answer', unit: 'ops', text: 'timeout and network mean that Redis is away: meetings go on, joins wait.',
        queries: [[sumBy('reason', 'incamera_redis_failures_total'), '{{reason}}']], empty: 'Redis answers every call' },
      { title: 'Changes of meetings refused', unit: 'ops', text: 'forbidden in numbers is somebody trying host commands; unavailable and conflict point at Redis.',
        queries: [[sumBy('code', 'incamera_meeting_refusals_total'), '{{code}}']], empty: 'nobody asked for what is not theirs' },
      { title: 'Event reading', unit: 'ops', text: 'errors mean that people see an old roster; reloads beyond those of new rooms mean that events were lost.',
        queries: [[sumBy('instance', 'incamera_signaling_follow_errors_total'), '{{instance}} errors'], [sumBy('instance', 'incamera_signaling_reloads_total'), '{{instance}} reloads']] },
      { title: 'Node commands, 99th percentile', unit: 's', text: 'Time signaling waits for a node: more than 0.1 s is a busy node or a bad network between them.',
        queries: [[quantile(0.99, 'incamera_noderpc_client_latency_seconds', 'method'), '{{method}}']] },
      { title: 'Links between signaling and nodes', unit: 'short', text: 'A signaling instance with people and no link cannot command their node.',
        queries: [['sum by (instance) (incamera_noderpc_links{$sel})', '{{instance}} links'], ['sum by (instance) (incamera_noderpc_watching_instances{$sel})', '{{instance}} watched by']] },
      { title: 'Nodes lost, people moved', unit: 'ops', text: 'A lost node moves its people; failed moves are people without media.',
        queries: [[sumBy('instance', 'incamera_noderpc_lost_nodes_total'), '{{instance}} lost'], [sumBy('reason, outcome', 'incamera_signaling_moves_total'), 'moved: {{reason}} {{outcome}}']] },
      { title: 'Grants refused by nodes', unit: 'ops', text: 'A grant that does not verify was forged, is late or is meant for another node.',
        queries: [[sumBy('reason', 'incamera_noderpc_refused_grants_total'), '{{reason}}']], empty: 'signaling sends good grants' },
      { title: 'Audit entries', unit: 'ops', text: 'failed must be zero: what cannot be recorded is not granted.',
        queries: [[sumBy('outcome', 'incamera_audit_entries_total'), '{{outcome}}']] },
      { title: 'Sockets given up', unit: 'ops', text: 'slow_… is people\'s bad networks; bad_message, rate and failed_entries are broken or hostile clients.',
        queries: [[sumBy('reason', 'incamera_signaling_drops_total'), '{{reason}}'], [sumBy('reason', 'incamera_signaling_sockets_refused_total'), 'refused: {{reason}}']], empty: 'no client misbehaved' },
      { title: 'Messages of clients', unit: 'ops', text: 'An outcome other than ok says what clients do wrong.',
        queries: [[sumBy('type, outcome', 'incamera_signaling_messages_total'), '{{type}} {{outcome}}']] },
    ],
  },
  {
    title: 'Process',
    panels: [
      { title: 'Running', unit: 'short', type: 'table', text: 'Two versions side by side for longer than an upgrade takes is an upgrade that got stuck.',
        queries: [['max by (instance, role, version, revision) (incamera_build_info{$sel})', '']] },
      { title: 'CPU', unit: 'percentunit', text: 'Cores in use; near the number of cores, media is late.',
        queries: [[rate('process_cpu_seconds_total'), '{{instance}}']] },
      { title: 'Memory', unit: 'bytes', text: 'A rise that never ends while the number of people does not rise is a leak.',
        queries: [['process_resident_memory_bytes{$sel}', '{{instance}}'], ['go_memstats_heap_alloc_bytes{$sel}', '{{instance}} heap']] },
      { title: 'Goroutines', unit: 'short', text: 'Should follow the number of people; anything else is a leak.',
        queries: [['go_goroutines{$sel}', '{{instance}}']] },
      { title: 'Longest garbage collection pause', unit: 's', text: 'More than 1 ms shows in media as jitter.',
        queries: [['go_gc_duration_seconds{$sel, quantile="1"}', '{{instance}}']] },
      { title: 'Open files', unit: 'short', text: 'Near the limit, new sockets are refused.',
        queries: [['process_open_fds{$sel}', '{{instance}}'], ['process_max_fds{$sel}', '{{instance}} limit']] },
    ],
  },
];
