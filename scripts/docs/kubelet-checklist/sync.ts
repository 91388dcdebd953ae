// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of tests as their files write them
import { type ChecklistPart, files } from './types.ts'

export const syncPart: ChecklistPart = {
  title: 'Secrets, ConfigMaps, tokens, Events',
  rows: [
    {
      id: 'Y1',
      what: 'Objects are there before the pod, follow every edit, are counted by reference and gone with the last pod that uses them.',
      tests: [
        [files.sync, 'a Secret goes along before the pod, follows every edit, and goes when no pod uses it'],
        [files.workload, 'an edited ConfigMap is seen in the running pod’s volume'],
        [files.hot, 'what the last pod lets go is there again for the next, though its removal is under way'],
      ],
    },
    {
      id: 'Y2',
      what: 'Type, binaryData and immutability are kept; pull Secrets come along.',
      tests: [
        [files.sync, 'an optional object that is missing holds nothing up, and comes along later'],
        [files.sync, 'rule 33: an immutable object is read once and not watched'],
        [
          files.toDataPlane,
          'references are found once each, mandatory where one use is; pull secrets are optional',
        ],
      ],
    },
    {
      id: 'Y3',
      what: 'An immutable object that is deleted and made anew while pods use it is brought along anew.',
      tests: [
        [
          files.hot,
          'an immutable object made anew is read again before another pod uses it, and copied anew',
        ],
        [files.hot, 'an immutable object made anew while pods use it is brought along within minutes'],
      ],
    },
    {
      id: 'Y4',
      what: 'An object that changes a hundred times a second costs a few writes, and the last value arrives.',
      tests: [
        [
          files.hot,
          'an object that changes 100 times a second is written about ten times, and the last value arrives',
        ],
        [files.hot, 'one change is written at once'],
      ],
    },
    {
      id: 'Y5',
      what: '`kube-root-ca.crt` is the user cluster’s, under another name.',
      tests: [[files.sync, 'only objects that a node may read are asked for, one by one and by name']],
    },
    {
      id: 'Y6',
      what: 'What an agent that died left behind is removed, and nothing that a pod names.',
      tests: [
        [
          files.collect,
          'what an agent that died left behind goes after two passes; what a pod’s spec names stays, known or not',
        ],
        [files.collect, 'nothing goes from a namespace with a carried pod whose user pod is not known'],
      ],
    },
    {
      id: 'Y7',
      what: 'What a client of the gateway made is never overwritten or removed.',
      tests: [
        [
          files.sync,
          'an object of a client of the gateway is not overwritten, and the pod says why it waits',
        ],
      ],
    },
    {
      id: 'Y8',
      what: 'Two virtual nodes of one cluster keep copies of the same object without a quarrel.',
      tests: [
        [
          files.workload,
          'two virtual nodes of one cluster keep copies of the same object, and neither touches the other’s',
        ],
      ],
    },
    {
      id: 'Y9',
      what: 'An update reaches the data plane with a p99 under 250 ms.',
      notYet: 'not measured',
    },
    {
      id: 'T1',
      what: 'A token is asked for the user’s pod, bound to its UID, and lies in a Secret of its own that goes with the pod.',
      tests: [
        [
          files.sync,
          'rule 39: tokens are bound to the user’s pod, lie in a Secret of their own, and a 600 s one is renewed in time',
        ],
        [files.tokens, 'a pod of the same name has tokens of its own, and the old ones go with the old pod'],
        [
          files.tokens,
          'a token that the API server refuses is told on the pod after a moment, and asked for again',
        ],
      ],
    },
    {
      id: 'T2',
      what: 'A token is renewed in time whatever this machine’s clock says, and however it jumps.',
      tests: [
        [
          files.tokens,
          'rule 39: a clock that jumps back holds no renewal up, one that jumps ahead makes it earlier',
        ],
        [
          files.tokens,
          'rule 39: with this machine’s clock ${what} a 600 s token is renewed in time, and not in a loop',
        ],
      ],
    },
    {
      id: 'T3',
      what: 'A pod’s client library talks to its own cluster’s API server.',
      tests: [
        [
          files.serviceAccount,
          'as a ServiceAccount with deploy/agent.yaml’s rights the agent carries a pod with its objects',
        ],
      ],
      notYet: 'kubectl inside a pod, on real clusters',
    },
    {
      id: 'E1',
      what: 'Events of the carrying pod are written to the user’s pod once, a repetition raises the count, replicas and restarts do not double them.',
      tests: [
        [
          files.events,
          'an Event of the carrying pod is one of the user’s pod, and a repetition raises its count',
        ],
        [files.events, 'an Event that comes before its pod is told when the pod is known; old news is not'],
        [files.events, 'Events of a client’s own pods are nobody’s in the user’s cluster'],
        [files.events, 'the same again is counted and not repeated, at most once a minute'],
        [files.events, 'the name of an Event is one, however long the pod’s is and wherever it is cut'],
      ],
    },
    {
      id: 'E2',
      what: 'The data plane’s `Scheduled` is not copied: the user’s own scheduler has told it.',
      tests: [
        [files.events, 'the data plane’s Scheduled is not copied: the user’s own scheduler has told it'],
      ],
    },
    {
      id: 'E3',
      what: 'Every refusal, retry and wait has an Event.',
      tests: [
        [
          files.sync,
          'a mandatory object that is missing is named on the pod, and the pod runs when it comes',
        ],
        [files.carry, 'a change that is refused is told once and holds up no other'],
        [
          files.disruption,
          'what fails for more than ten seconds is told on the pod and in an Event, and goes on being tried',
        ],
      ],
    },
  ],
}
