// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of tests as their files write them
import { type ChecklistPart, files } from './types.ts'

export const podsPart: ChecklistPart = {
  title: 'Pods: queue, deletion, status, recovery',
  rows: [
    {
      id: 'L1',
      what: 'One worker a key; a change while it works means another round; the earliest time wins; a key is never given up, only its delay is capped.',
      tests: [
        [files.queue, 'a key is handled by one worker at a time, and again when it was added meanwhile'],
        [files.queue, 'an add comes before a delay, and the earliest of several delays wins'],
      ],
    },
    {
      id: 'L2',
      what: 'Deletion, {running, crash loop, image pending, init running, ended} × {graceful, forced, name used again at once} × {gateway there, away, agent killed meanwhile}: the carrying pod goes, and the user’s object not before it unless it was forced.',
      tests: [
        [
          files.decide,
          'the matrix of deletion: nothing leaves the user’s cluster while the data plane has it',
        ],
        [files.deleteMatrix, 'deletion, every state and way, with the gateway there'],
        [files.deleteMatrix, 'deletion, every state and way, with the gateway away for two minutes'],
        [files.deleteMatrix, 'deletion, every state and way, with the agent killed in the middle of it'],
      ],
    },
    {
      id: 'L3',
      what: 'A pod leaves the user’s API only when the data plane has let it go, with grace 0 and its UID as precondition.',
      tests: [
        [files.carry, 'a pod bound to the node is carried, its status comes back, and it goes on both sides'],
        [
          files.workload,
          'a deleted pod is gone from the data plane before it is gone from the user’s cluster',
        ],
      ],
    },
    {
      id: 'L4',
      what: 'A second, shorter delete is passed on, never as 0.',
      tests: [[files.carry, 'rule 37: grace 0 is passed on as 1, and a second, shorter delete is passed on']],
    },
    {
      id: 'L5',
      what: 'A shorter delete by force, after which the user’s object is gone at once, still reaches the data plane.',
      tests: [
        [
          files.deleteMatrix,
          'a second delete by force, after which the object is gone at once, shortens the grace',
        ],
      ],
    },
    {
      id: 'L6',
      what: 'A pod deleted before it reached the data plane is finished by the agent alone.',
      tests: [[files.carry, 'rule 36: a pod deleted before it was carried becomes Failed, then goes']],
    },
    {
      id: 'L7',
      what: 'A pod deleted while the gateway is away stays Terminating, and is finished on return.',
      tests: [
        [
          files.carry,
          'unreachable is not NotFound: an outage of the gateway changes nothing in the user’s cluster',
        ],
      ],
    },
    {
      id: 'L8',
      what: 'A name used again at once waits for the pod before it, and is carried as soon as that has gone.',
      tests: [
        [
          files.deleteMatrix,
          'a name used again is carried as soon as the pod before it has gone, not a back-off later',
        ],
      ],
    },
    {
      id: 'L9',
      what: 'Status is a patch of what differs: foreign conditions, resource claims and gates stay.',
      tests: [
        [
          files.toUser,
          'a status patch names what differs alone, carries the UID, and leaves foreign conditions',
        ],
      ],
    },
    {
      id: 'L10',
      what: 'Ready is computed with the user’s own readiness gates.',
      tests: [[files.toUser, 'Ready follows the user’s own readiness gates']],
    },
    {
      id: 'L11',
      what: 'observedGeneration of status and conditions is that of the user’s pod.',
      tests: [
        [files.toUser, 'observedGeneration is the user’s: what was carried last and the data plane has seen'],
      ],
    },
    {
      id: 'L12',
      what: 'A container that has ended is not running again where its restart policy forbids it.',
      tests: [
        [files.transitions, 'a container that has ended runs again only where its restart policy allows it'],
      ],
    },
    {
      id: 'L13',
      what: 'Restart counts never fall.',
      tests: [
        [files.toUser, 'restart counts never fall'],
        [
          files.workload,
          'a container that ends and starts again keeps its counts, and --previous shows the log before',
        ],
      ],
    },
    {
      id: 'L14',
      what: 'A final phase is final, written only once nothing runs, with Ready and ContainersReady False in the same patch.',
      tests: [
        [files.toUser, 'rule 35: terminal is one way, and only once nothing runs'],
        [
          files.toUser,
          'the last status of a pod whose carrier vanished: Failed, containers ended, Ready False in the same write',
        ],
      ],
    },
    {
      id: 'L15',
      what: 'Versions that come late or out of order change nothing.',
      tests: [
        [files.reflector, 'the same event twice leaves the store as it was'],
        [files.faults, 'old and repeated versions in a watch change nothing'],
      ],
    },
    {
      id: 'L16',
      what: 'An eviction or preemption in the data plane makes the user’s pod Failed with DisruptionTarget and the data plane’s reason, so that its controller replaces it.',
      tests: [
        [
          files.disruption,
          'an eviction in the data plane ends the user’s pod as Failed, with why, and it is not made again',
        ],
        [
          files.transitions,
          'a pod that the data plane takes away is said to be disrupted, and has failed in the end',
        ],
        [files.transitions, 'the data plane’s own reason for taking a pod away is kept'],
        [files.carry, 'a pod that the data plane loses becomes Failed, once the gateway itself says so'],
      ],
    },
    {
      id: 'L17',
      what: 'Unreachable is not NotFound: without an answer nothing is Failed, deleted or made again.',
      tests: [
        [
          files.carry,
          'unreachable is not NotFound: an outage of the gateway changes nothing in the user’s cluster',
        ],
      ],
    },
    {
      id: 'L18',
      what: 'A create is idempotent by the UID of the user’s pod.',
      tests: [
        [
          'test/integration/kube-face/rule-18-19-create-delete.test.ts',
          'rule 18: a create whose answer was lost is one pod and one charge',
        ],
        [files.faults, 'a create whose answer was lost is found to be done, and not done again'],
      ],
    },
    {
      id: 'L19',
      what: 'Garbage goes after two passes a minute apart, confirmed by the API server itself, never more than max(10, 5 %) at a time, and never on a stale view.',
      tests: [
        [files.decide, 'garbage goes after two passes a minute apart, and not before'],
        [files.decide, 'nothing goes on a stale view, nor what the API server itself still has'],
        [
          files.decide,
          'more than max(10, 5 %) at a time is a fault of ours: nothing goes, and it is reported',
        ],
      ],
    },
    {
      id: 'L20',
      what: 'An agent that starts anew has no state of its own: nothing is deleted or doubled, and deletions meanwhile are finished.',
      tests: [
        [files.restart, 'an agent killed and started again deletes nothing and doubles nothing'],
        [
          files.restart,
          'what was deleted while the agent was away is finished when it is back, and nothing else',
        ],
        [files.disruption, 'a pod that was taken away while no agent was there is Failed by the next one'],
      ],
    },
    {
      id: 'L21',
      what: 'A create that is refused says why on the pod and is tried again when that can help; one that fails for the moment is tried again with back-off.',
      tests: [
        [
          files.quota,
          'a pod over quota stays Pending, says why on the pod and in an Event, and is not carried',
        ],
        [files.quota, 'it runs when the quota is raised'],
        [files.faults, 'a pod that is refused for good is tried now and then, not in a loop, and told once'],
        [files.faults, '${what} to a create delays the pod and nothing else: it is carried once'],
      ],
    },
  ],
}
