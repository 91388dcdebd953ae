import { type ChecklistPart, files } from './types.ts'

export const nodePart: ChecklistPart = {
  title: 'Node and Lease',
  rows: [
    {
      id: 'N1',
      what: 'The Node is registered as a kubelet registers it: taint, labels, InternalIP, kubelet port, declared features sorted and once, and a Lease owned by the Node.',
      tests: [
        [
          files.node,
          'the Node is registered with taint, labels, InternalIP, port, features sorted and once, and a Lease',
        ],
      ],
    },
    {
      id: 'N2',
      what: 'Conditions, taints and labels of others survive our writes, and what is level is not written again.',
      tests: [
        [files.node, 'foreign conditions, taints and labels survive, and what is level is not written again'],
      ],
    },
    {
      id: 'N3',
      what: 'While the gateway is away the Node says so, has no room, stays Ready for the static period and then lapses; on return it is Ready and nothing was deleted.',
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
      id: 'N4',
      what: 'The agent never deletes its Node, and ends cleanly on SIGTERM.',
      tests: [[files.restart, 'SIGTERM ends the agent with 0 and leaves its Node']],
    },
    {
      id: 'N5',
      what: 'Several replicas do not each sum the capacity: one writes the Node.',
      tests: [[files.node, 'a replica that is not the writer writes nothing']],
    },
    {
      id: 'N6',
      what: 'A partition of six minutes under a Deployment of three leaves exactly three carried pods after healing.',
      notYet: 'a named wait of six minutes on real clusters',
    },
    {
      id: 'N7',
      what: 'What the node controller marked NotReady is not made Ready by an old status of the data plane.',
      tests: [[files.toUser, 'Ready that the node controller wrote False comes back with a time of now']],
    },
    {
      id: 'N9',
      what: 'The identity is a node’s, by CSR from a bootstrap token, renewed at 70 to 90 % of its life without dropping a watch.',
      tests: [
        [
          files.identity,
          '§1.1 identity: a bootstrap token becomes a node’s certificate by CSR, kept on disk for its owner alone',
        ],
        [
          files.identity,
          '§1.1 identity: it is renewed with itself at 70 to 90 % of its life, and no watch is dropped',
        ],
        [
          files.realIdentity,
          '§1.1 identity: with a bootstrap token alone the agent becomes a node by CSR, carries a pod, and serves an approved certificate',
        ],
      ],
    },
    {
      id: 'N10',
      what: 'Takeover: 15 s after a SIGKILL, 3 s after a SIGTERM, 40 s while the gateway is away.',
      tests: [
        [
          files.replicas,
          '§1.8 takeover within 15 s of a SIGKILL of the writer; no pod is deleted, doubled or restarted',
        ],
        [
          files.replicas,
          '§1.8 takeover within 3 s of a SIGTERM: the lease is given back, and the node’s address follows',
        ],
        [
          files.replicas,
          '§1.8 takeover within 40 s while the gateway is away, by the node’s own Lease; nothing is deleted, doubled or restarted',
        ],
      ],
    },
    {
      id: 'N11',
      what: 'Modules can be switched off one by one; a process with the port alone serves and never writes.',
      tests: [
        [
          'test/e2e/agent-modules.test.ts',
          '§1.8 modules: a process with the kubelet port alone serves logs and never writes; one without the port carries the pods',
        ],
        [
          'test/e2e/agent-modules.test.ts',
          '§1.8 modules: without tokens a pod that mounts one waits and says so, others run',
        ],
      ],
    },
    {
      id: 'N8',
      what: 'In the user’s cluster the agent sends nothing that a node may not send.',
      tests: [
        [
          files.requests,
          'with a node’s certificate and NodeRestriction the agent sends only what a node may, by name and by node',
        ],
        [files.sync, 'only objects that a node may read are asked for, one by one and by name'],
      ],
    },
  ],
}
