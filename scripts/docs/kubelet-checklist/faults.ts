// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of tests as their files write them
import { type ChecklistPart, files } from './types.ts'

export const faultsPart: ChecklistPart = {
  title: 'Faults and bad input',
  rows: [
    {
      id: 'F1',
      what: 'A pod deleted while the gateway is away is finished on return.',
      tests: [
        [
          files.carry,
          'unreachable is not NotFound: an outage of the gateway changes nothing in the user’s cluster',
        ],
      ],
    },
    {
      id: 'F2',
      what: 'The gateway answers 409, 422, 429 with Retry-After, 500, or half an answer: the pod is carried once in the end, and the wait that was asked for is kept.',
      tests: [
        [files.faults, '${what} to a create delays the pod and nothing else: it is carried once'],
        [files.faults, 'a create whose answer was lost is found to be done, and not done again'],
        [files.faults, 'a 429 is waited out for as long as its Retry-After says'],
        [files.faults, 'a pod that is refused for good is tried now and then, not in a loop, and told once'],
      ],
    },
    {
      id: 'F3',
      what: 'Lines of a watch may be cut anywhere; 410 lists again; duplicates and old versions change nothing.',
      tests: [
        [files.watchOnce, 'lines may be cut anywhere, within a character too'],
        [
          files.reflector,
          '410 by answer or by event lists again, what has gone meanwhile goes from the store',
        ],
        [files.reflector, 'the same event twice leaves the store as it was'],
        [
          files.reflector,
          'half a line, a reset and refusals are reported, and the watch goes on where it was',
        ],
        [files.faults, 'old and repeated versions in a watch change nothing'],
        [
          files.faults,
          '410 on both sides lists again: what went and what came meanwhile is done, nothing else',
        ],
      ],
    },
    {
      id: 'F4',
      what: 'The user’s API server away for two minutes: nothing is deleted or doubled, and what happened meanwhile is done on return.',
      tests: [
        [
          files.faults,
          'the user’s API server away for two minutes: nothing is deleted or doubled, and all is done on return',
        ],
      ],
    },
    {
      id: 'F5',
      what: 'A stale list of the user’s API server deletes nothing.',
      tests: [
        [files.faults, 'a stale list of the user’s API server deletes nothing: the server itself is asked'],
      ],
    },
    {
      id: 'F6',
      what: 'A clock that jumps breaks neither renewal nor the Lease.',
      tests: [
        [files.node, 'rule 26: renewTime rises, whatever this machine’s clock says'],
        [
          files.tokens,
          'rule 39: a clock that jumps back holds no renewal up, one that jumps ahead makes it earlier',
        ],
      ],
    },
    {
      id: 'F7',
      what: 'A pod with 200 variables, a ConfigMap of 1 MiB, names at the length limit.',
      tests: [[files.podSpec, '200 variables, a ConfigMap of 1 MiB and names at the length limit']],
    },
    {
      id: 'F8',
      what: 'Clients of the kubelet port that send garbage, open too many streams or never read.',
      tests: [
        [
          files.spdy,
          'streams over the limit, with a used id, or of the wrong side are refused, the others go on',
        ],
        [files.spdy, 'a peer that floods pings and reads nothing is ended'],
      ],
    },
    {
      id: 'F9',
      what: 'Two agents with one credential: the second waits and says so.',
      tests: [
        [
          files.replicas,
          'rule 27: two agents started with one credential: the second waits and says so, and writes nothing',
        ],
      ],
    },
  ],
}
