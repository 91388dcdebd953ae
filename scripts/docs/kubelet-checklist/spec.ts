import { type ChecklistPart, files } from './types.ts'

export const specPart: ChecklistPart = {
  title: 'What a pod’s spec asks for',
  rows: [
    {
      id: 'S1',
      what: 'Environment keeps its order, `$(VAR)` and `$$` mean what they mean on a kubelet, envFrom comes before env.',
      tests: [
        ['test/unit/sandbox/env.test.ts', 'a variable sees those before it, and not those after'],
        [
          files.toDataPlane,
          'rule 40: the service environment is the first source of envFrom, so that a user’s may override it',
        ],
        [
          files.podSpec,
          'environment: order, expansion, envFrom, every field of the downward API, the own API server',
        ],
      ],
    },
    {
      id: 'S2',
      what: 'Names of variables that are no identifiers are kept, as kubelets do since 1.34.',
      tests: [
        [
          'test/unit/sandbox/env.test.ts',
          'envFrom comes before env, with its prefix and every name as it is',
        ],
      ],
    },
    {
      id: 'S3',
      what: 'The downward API gives the user’s values: name, namespace, UID, labels, annotations, node name, ServiceAccount, host and pod addresses, resources.',
      tests: [
        [files.toDataPlane, 'golden: an ordinary pod as a real API server hands it over'],
        [
          files.podSpec,
          'environment: order, expansion, envFrom, every field of the downward API, the own API server',
        ],
      ],
    },
    {
      id: 'S4',
      what: 'A mandatory object that is missing holds the pod, with a reason that names it; an optional one does not.',
      tests: [
        [
          files.sync,
          'a mandatory object that is missing is named on the pod, and the pod runs when it comes',
        ],
        [files.sync, 'an optional object that is missing holds nothing up, and comes along later'],
      ],
    },
    {
      id: 'S5',
      what: 'No value of a Secret is written into a spec.',
      tests: [[files.workload, 'no value of a Secret is in the pod’s spec in the data plane']],
    },
    {
      id: 'S6',
      what: 'The service environment is the user cluster’s; `enableServiceLinks: false` leaves `kubernetes` alone; a pod waits until Services are known.',
      tests: [
        [files.sync, 'rule 40: the service environment is there before the pod and follows Services'],
        [
          files.toDataPlane,
          'the service environment is the kubelet’s, with the user’s API server at its own address',
        ],
      ],
    },
    {
      id: 'S7',
      what: 'Volumes: projected (each kind of source), configMap, secret, downwardAPI, emptyDir on disk and in memory, with their modes, items and subPaths.',
      tests: [
        [
          'test/integration/sandbox/pod-volumes.test.ts',
          'every kind of source is there as files, with its modes',
        ],
        [
          files.podSpec,
          'volumes: projected, configMap, secret, downwardAPI, emptyDir, with items, modes and subPath',
        ],
      ],
    },
    {
      id: 'S8',
      what: 'Volumes of other kinds, claims and generic ephemeral ones among them, are refused with a reason and without a loop.',
      tests: [
        [files.toDataPlane, 'what can not be carried is refused with its reason, never dropped'],
        [files.faults, 'a pod that is refused for good is tried now and then, not in a loop, and told once'],
      ],
    },
    {
      id: 'S9',
      what: 'Static and mirror pods and those that ask for the host’s network, processes or IPC are refused with a reason and without a loop.',
      tests: [
        [files.toDataPlane, 'what can not be carried is refused with its reason, never dropped'],
        [files.faults, 'a pod that is refused for good is tried now and then, not in a loop, and told once'],
      ],
    },
    {
      id: 'S10',
      what: 'Init containers run in order; sidecars count once started and end last; an init container that fails for good fails the pod.',
      tests: [
        [files.deployment, 'a Deployment of 3 with ConfigMap, Secret and an init container reaches Ready'],
        [
          files.podSpec,
          'init containers in order, a sidecar, hooks and probes; an ephemeral container joins',
        ],
      ],
    },
    {
      id: 'S11',
      what: 'An ephemeral container that the user adds joins the carrying pod, and its status comes back.',
      tests: [
        [
          files.toDataPlane,
          'changes: images, labels, annotations, deadline, resources and ephemeral containers go their own ways',
        ],
        [
          files.podSpec,
          'init containers in order, a sidecar, hooks and probes; an ephemeral container joins',
        ],
      ],
    },
    {
      id: 'S12',
      what: 'Images, deadline, tolerations, labels, annotations and resources that change are brought along, each by its own door.',
      tests: [
        [
          files.toDataPlane,
          'changes: images, labels, annotations, deadline, resources and ephemeral containers go their own ways',
        ],
        [files.carry, 'a change that is refused is told once and holds up no other'],
        [files.deployment, 'a rolling update to a new image replaces all pods'],
        [
          files.podSpec,
          'labels, annotations, tolerations and the deadline that change are brought along; the deadline ends the pod',
        ],
      ],
    },
    {
      id: 'S13',
      what: 'Probes of all kinds and lifecycle hooks are the data plane’s to run, as written.',
      tests: [
        [
          files.podFields,
          'host aliases, host name, probes and hooks of every kind go along as they were written',
        ],
        [
          files.podSpec,
          'init containers in order, a sidecar, hooks and probes; an ephemeral container joins',
        ],
      ],
    },
    {
      id: 'S14',
      what: '`ClusterFirst` is the user cluster’s DNS, given as `None` with its addresses and searches; hostAliases, `None` and `Default` are kept.',
      tests: [
        [
          files.podFields,
          'dnsPolicy: ClusterFirst is the user cluster’s, None and Default are kept, the pod’s own config goes on top',
        ],
        [
          files.podFields,
          'host aliases, host name, probes and hooks of every kind go along as they were written',
        ],
      ],
    },
    {
      id: 'S15',
      what: 'activeDeadlineSeconds ends the pod as Failed with DeadlineExceeded; termination messages come back.',
      tests: [
        [
          files.podSpec,
          'labels, annotations, tolerations and the deadline that change are brought along; the deadline ends the pod',
        ],
        [
          files.podSpec,
          'a termination message and exit codes come back; OnFailure runs again until it ends well',
        ],
      ],
    },
    {
      id: 'S16',
      what: 'A pod with scheduling gates is not bound, and so not carried, before they are gone.',
      tests: [
        [
          'test/integration/sandbox/scheduler.test.ts',
          'scheduling gates hold a pod, other schedulers keep theirs',
        ],
        [files.podFields, 'scheduling gates, nodeName and what scheduling means at home stay there'],
      ],
    },
    {
      id: 'S17',
      what: 'Placement, priority, owners, finalizers and our own taint’s toleration stay behind.',
      tests: [[files.toDataPlane, 'what is the user’s scheduler’s and controllers’ stays behind']],
    },
  ],
}
