// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names of tests as their files write them
import { type ChecklistPart, files } from './types.ts'

export const rulesPart: ChecklistPart = {
  title: 'Rules of a node without a machine',
  rows: [
    {
      id: '24',
      what: 'Allocatable is what is left plus what is carried or never will be; whoever waits for quota holds its place.',
      tests: [
        [
          files.node,
          'rule 24: allocatable is what is left plus what is carried or never will be; waiting pods hold their place',
        ],
      ],
    },
    {
      id: '25',
      what: 'New pods are kept off by NetworkUnavailable, not by a lack of room; nobody is evicted.',
      tests: [
        [
          files.node,
          'rule 25: while the gateway is away the Node stays Ready and closed for the static period, then lapses',
        ],
        [
          files.outage,
          'an outage of the gateway evicts nobody: the Node stays Ready, closed to new pods, and says why',
        ],
      ],
    },
    {
      id: '26',
      what: 'renewTime rises, whatever the clock says.',
      tests: [[files.node, 'rule 26: renewTime rises, whatever this machine’s clock says']],
    },
    {
      id: '27',
      what: 'Two fences: the gateway’s epoch, and the node’s own Lease.',
      tests: [
        [files.gateway, 'rule 27: every write to the gateway carries the epoch, and no read does'],
        [files.node, 'rule 27: whoever sees a higher epoch on the node’s Lease stands down'],
        [
          files.gateway,
          'rule 27: the writer goes on while the gateway is away, and stands down for another holder',
        ],
        [
          files.replicas,
          '§1.8 takeover within 15 s of a SIGKILL of the writer; no pod is deleted, doubled or restarted',
        ],
        [
          files.replicas,
          '§1.8 takeover within 40 s while the gateway is away, by the node’s own Lease; nothing is deleted, doubled or restarted',
        ],
        [files.node, 'rule 25: a restart during the outage counts from the condition’s own time'],
      ],
    },
    {
      id: '28',
      what: 'Where a cloud controller deletes Nodes that are not Ready the static period is for ever.',
      tests: [
        [
          files.node,
          'rule 28: where a cloud controller deletes Nodes that are not Ready, the Node stays Ready for ever; elsewhere 15 minutes',
        ],
      ],
    },
    {
      id: '29',
      what: 'A Node deleted under the agent is made anew, cordoned; an adopted one without the taint is closed.',
      tests: [
        [files.node, 'rule 29: a Node deleted under the agent is made anew, cordoned, with an Event'],
        [
          files.node,
          'rule 29: an adopted Node without the taint is closed, the user is told how, and no taint is ever sent',
        ],
      ],
    },
    {
      id: '30',
      what: 'DaemonSets are kept off: found by install and doctor, and a pod that comes all the same says how.',
      tests: [
        [files.toDataPlane, 'rule 30: a DaemonSet’s pod is told how to stay away'],
        [
          'test/unit/cli/daemon-sets.test.ts',
          'rule 30: the patch keeps the terms that are there and keeps the DaemonSet off',
        ],
        [
          'test/integration/cli/doctor.test.ts',
          'rule 30: a DaemonSet that comes to the node is named with the patch that keeps it off',
        ],
      ],
      notYet: 'a list of DaemonSets that are answered Ready without being carried',
    },
    {
      id: '31',
      what: 'InternalIP alone is published; the serving certificate is self-signed at once and swapped when one is issued.',
      tests: [
        [
          files.node,
          'the Node is registered with taint, labels, InternalIP, port, features sorted and once, and a Lease',
        ],
        [
          'test/integration/cli/doctor.test.ts',
          'rule 31: a pending request for a serving certificate comes with the command that approves it',
        ],
        [
          files.identity,
          'rule 31: a serving certificate is never approved by itself: the node says how, keeps its request through a restart, and takes what is issued',
        ],
        [files.identity, 'rule 31: a denied serving certificate is asked for again, with another key'],
      ],
    },
    {
      id: '32',
      what: 'A pod that is gone is confirmed by a LIST; a 403 of a fresh binding is tried again and not reported at once.',
      tests: [
        [files.sync, 'rule 32: an object that may not be read yet is tried again and not reported at once'],
        [
          files.carry,
          'a user pod that vanished while the agent watched is deleted behind the gateway, once the API server confirms',
        ],
      ],
    },
    {
      id: '33',
      what: 'A watch per object, over few connections, each answered; none for immutable ones.',
      tests: [
        [
          files.http2,
          'rule 33: 3,000 watches are all answered, over no more than 40 connections of 90 streams',
        ],
        [files.sync, 'rule 33: an immutable object is read once and not watched'],
      ],
    },
    {
      id: '34',
      what: 'Status patches: addresses replaced, a reason that is gone cleared, the UID inside, compared with the API’s copy.',
      tests: [
        [
          files.toUser,
          'rule 34: a changed address replaces the old one, and a reason that is gone is cleared',
        ],
        [
          files.toUser,
          'a status patch names what differs alone, carries the UID, and leaves foreign conditions',
        ],
      ],
    },
    {
      id: '35',
      what: 'Terminal is one way, and the carrying pod of one that ended stays until the user’s goes.',
      tests: [
        [files.toUser, 'rule 35: terminal is one way, and only once nothing runs'],
        [
          files.decide,
          'rule 35: a pod that ended keeps its carrier, and one that somebody else ended is stopped',
        ],
        [files.transitions, 'a container that has ended runs again only where its restart policy allows it'],
      ],
    },
    {
      id: '36',
      what: 'What was never carried is Failed first, then deleted, once.',
      tests: [[files.carry, 'rule 36: a pod deleted before it was carried becomes Failed, then goes']],
    },
    {
      id: '37',
      what: 'Grace 0 is never passed on.',
      tests: [
        [files.carry, 'rule 37: grace 0 is passed on as 1, and a second, shorter delete is passed on'],
        [
          files.deleteMatrix,
          'a second delete by force, after which the object is gone at once, shortens the grace',
        ],
      ],
    },
    {
      id: '38',
      what: 'A waiting pod says why; freed quota is given by priority, then age.',
      tests: [
        [files.carry, 'rule 38: freed quota is given by priority, then age'],
        [
          files.toUser,
          'rule 38: a waiting pod is Pending with reason, message and the condition, and no container status',
        ],
      ],
    },
    {
      id: '39',
      what: 'Tokens: no audience where none was named, 3600 for the injected 3607, renewed at the earliest of 80 %, five minutes before the end, a day.',
      tests: [
        [
          files.toDataPlane,
          'rule 39: an audience "" is not sent, and the injected 3607 is asked for as 3600',
        ],
        [files.sync, 'rule 39: renewal is the earliest of 80 %, five minutes before the end, and a day'],
        [
          files.tokens,
          'rule 39: with this machine’s clock ${what} a 600 s token is renewed in time, and not in a loop',
        ],
      ],
    },
    {
      id: '40',
      what: 'The service environment is the first envFrom, so that a user’s may override it.',
      tests: [
        [
          files.toDataPlane,
          'rule 40: the service environment is the first source of envFrom, so that a user’s may override it',
        ],
      ],
    },
    {
      id: '41',
      what: 'Pull Secrets are those of the pod; ServiceAccounts are not read.',
      tests: [
        [
          files.toDataPlane,
          'references are found once each, mandatory where one use is; pull secrets are optional',
        ],
        [files.sync, 'only objects that a node may read are asked for, one by one and by name'],
      ],
    },
    {
      id: '42',
      what: 'Addresses of an isolated network are not reported.',
      tests: [[files.toUser, 'rule 42: an isolated network’s addresses are not reported']],
    },
    {
      id: '43',
      what: 'The annotation that would attach real volumes is never set.',
      tests: [[files.podFields, 'rule 43: nothing that is brought along asks for volumes to be attached']],
    },
    {
      id: '44',
      what: 'A resize over quota is Deferred, never Infeasible; resources and allocatedResources are reported.',
      tests: [
        [
          files.podFields,
          'rule 44: a resize goes by its own door, and what the data plane makes of it comes back',
        ],
        [files.resize, 'rule 44: a resize over quota is Deferred on the pod until there is room for it'],
      ],
    },
    {
      id: '45',
      what: '`host` in probes and hooks, and the host’s network, processes, IPC and paths, are refused.',
      tests: [
        [files.policy, 'E1: ${kind}: host access and what escapes are refused by path'],
        [files.toDataPlane, 'what can not be carried is refused with its reason, never dropped'],
      ],
    },
    {
      id: '46',
      what: 'Without metrics an autoscaler counts missing pods as 0 % or 100 %: the documents say so.',
      notYet: 'docs/agent.md says so; there is nothing to run until monitoring is there',
    },
  ],
}
