// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of tests as their files write them
import { type ChecklistPart, files } from './types.ts'

export const streamsPart: ChecklistPart = {
  title: 'The kubelet port',
  rows: [
    {
      id: 'K1',
      what: 'SPDY/3.1 with the sub-protocols v1 to v5; streams have to be opened in time; the chosen protocol is echoed.',
      tests: [
        [files.roundTrip, '${protocol}: stdin to its end, stdout, stderr and exit code come through whole'],
        [
          files.kubeletStreams,
          '§3 ${protocol} through the port: stdin to its end, stdout, stderr and exit code',
        ],
        [
          files.kubeletStreams,
          '§3 SPDY/3.1 v1 through the port: the oldest protocol, whose error stream is text',
        ],
        [files.life, 'a SPDY client that does not open its streams in time is closed'],
      ],
    },
    {
      id: 'K2',
      what: 'WebSocket: none, channel, base64.channel, v4, v4.base64 and v5, with an empty frame first on the lowest channel.',
      tests: [
        [
          files.handshake,
          '"${protocol}" on the wire: the empty message first, data both ways, sizes, the status at last',
        ],
        [
          files.handshake,
          'the first message is on the lowest channel that the client reads; success is silent before v4',
        ],
        [
          files.kubeletStreams,
          '§3 WebSocket "${protocol}" through the port: an empty frame first, then the bytes',
        ],
      ],
    },
    {
      id: 'K3',
      what: 'Port-forward over SPDY and over the WebSocket tunnel, 20 at once, half-close, a refused port ends nothing else.',
      tests: [
        [
          files.portForward,
          'port-forward by ${name}: 20 at once, half-close and all bytes, through an opaque relay',
        ],
        [files.portForward, 'port-forward by ${name}: a refused port is told and the others go on'],
        [
          files.kubeletStreams,
          '§3 port-forward by ${kind} through the port: 1,000 streams in all, half-close, every byte',
        ],
      ],
    },
    {
      id: 'K4',
      what: 'The exit code goes through a Status.',
      tests: [[files.parts, 'an exit code survives the way through a Status']],
    },
    {
      id: 'K5',
      what: 'Idle for four hours is kept, pings keep nothing alive that is idle, and a killed client is seen at once.',
      tests: [
        [files.life, '${protocol}: pings keep nothing alive that is idle; data does'],
        [files.life, 'rule C8: a SPDY client that is killed is seen at once'],
        [files.kubeletStreams, '§3 a killed kubectl ends the remote process, by each kind of connection'],
      ],
    },
    {
      id: 'K6',
      what: 'The query names of a kubelet: command, input, output, error, tty.',
      tests: [[files.kubelet, 'the query names of a kubelet: input, output, error, tty']],
    },
    {
      id: 'K7',
      what: 'Logs: `tailLines=0` is none, wrong options are 422, flushed as they come.',
      tests: [
        [
          files.kubelet,
          'logs: options are passed on, tailLines=0 is none, wrong ones are 422, foreign pods and containers 404',
        ],
        [files.workload, 'a followed log arrives while it is written'],
      ],
    },
    {
      id: 'K8',
      what: 'A peer that ignores SPDY windows does not stall; one that does not read holds the source back, under a cap.',
      tests: [
        [
          files.backPressure,
          '${protocol}: 200 MB into a reader that does not read pause the source, under the cap',
        ],
        [files.spdy, 'many unread streams together stay under the cap, and go on when they are read'],
        [
          files.kubeletStreams,
          '§3 a client that never reads holds the command back, and costs no memory for it',
        ],
      ],
    },
    {
      id: 'K9',
      what: 'Garbage ends its own session and nothing else.',
      tests: [
        [files.fuzz, 'rule C6: whatever a WebSocket client sends, only its own session ends'],
        [files.fuzz, 'rule C6: whatever a SPDY client sends, only its own session ends'],
        [files.kubeletStreams, '§3 clients that send garbage end themselves alone'],
        [files.kubeletStreams, '§3 an exec that opens 1,000 streams reaches nobody, and touches no other'],
      ],
    },
    {
      id: 'K10',
      what: 'What a request has to be allowed is the kubelet’s own table; reviews are cached.',
      tests: [
        [files.kubelet, 'what each request has to be allowed is the kubelet’s own table'],
        [files.kubelet, 'reviews are cached: the same caller is asked about once'],
        [
          files.kubelet,
          'every route refuses callers without a credential, with a bad one, and without the right',
        ],
        [
          files.kubeletStreams,
          '§3 an upgrade by nobody in particular, or by one who may only read, is refused on every stream route',
        ],
        [files.kubelet, '§3 tokens that are made up cost the user’s API server a bounded number of reviews'],
      ],
    },
    {
      id: 'K11',
      what: 'kubectl logs, exec, attach, port-forward and cp, by WebSocket and by SPDY, on real clusters.',
      tests: [
        [files.kubectlStreams, 'cp carries 50 MB there and back unchanged (${where})'],
        [files.kubectlLogs, 'logs -f over 3 minutes with a quiet one inside: every line once, in order'],
      ],
    },
    {
      id: 'K13',
      what: '`/run`; a clear 501, 403 or 400 for what a virtual node has not.',
      tests: [
        [files.kubeletStreams, '§3 /run runs a command to its end and answers what it wrote'],
        [
          files.kubelet,
          '§3 what a virtual node has not says so: 501 for metrics, 403 for log files, 400 without an upgrade',
        ],
      ],
    },
    {
      id: 'K12',
      what: '`/metrics/resource`, `/metrics/cadvisor` and `/stats/summary` from one store.',
      notYet: 'a clear refusal until monitoring is there',
    },
  ],
}
