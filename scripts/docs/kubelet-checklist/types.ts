/** One guarantee of the virtual kubelet. */
export interface ChecklistRow {
  /** Stable within its part: `L3`, or a rule's number. */
  id: string
  /** The guarantee, in a sentence. */
  what: string
  /** Tests that show it: the file, and the name of the test in it. */
  tests?: readonly (readonly [file: string, name: string])[]
  /** Why no test shows it, or what of it is not shown. */
  notYet?: string
}

export interface ChecklistPart {
  title: string
  rows: readonly ChecklistRow[]
}

/** Rows of files that many rows name. */
export const files = {
  carry: 'test/unit/agent/carry.test.ts',
  decide: 'test/unit/agent/decide.test.ts',
  deleteMatrix: 'test/unit/agent/delete-matrix.test.ts',
  disruption: 'test/unit/agent/disruption.test.ts',
  transitions: 'test/unit/kube/forge/transitions.test.ts',
  sync: 'test/unit/agent/sync.test.ts',
  hot: 'test/unit/agent/hot-objects.test.ts',
  tokens: 'test/unit/agent/tokens.test.ts',
  events: 'test/unit/agent/events.test.ts',
  faults: 'test/unit/agent/faults.test.ts',
  podSpec: 'test/e2e/pod-spec.test.ts',
  collect: 'test/unit/agent/collect-objects.test.ts',
  node: 'test/unit/agent/node.test.ts',
  gateway: 'test/unit/agent/gateway.test.ts',
  kubelet: 'test/unit/agent/kubelet.test.ts',
  toDataPlane: 'test/unit/kube/forge/to-data-plane.test.ts',
  resize: 'test/unit/agent/resize.test.ts',
  podFields: 'test/unit/kube/forge/pod-fields.test.ts',
  toUser: 'test/unit/kube/forge/to-user.test.ts',
  reflector: 'test/unit/kube/watch/reflector.test.ts',
  watchOnce: 'test/unit/kube/watch/watch-once.test.ts',
  http2: 'test/unit/kube/client/http2-pool.test.ts',
  queue: 'test/unit/lib/work-queue.test.ts',
  policy: 'test/unit/gateway/policy/policy.test.ts',
  outage: 'test/e2e/agent-outage.test.ts',
  replicas: 'test/e2e/agent-replicas.test.ts',
  identity: 'test/integration/agent/identity.test.ts',
  realIdentity: 'test/kubernetes/suites/agent/identity.test.ts',
  kubeletStreams: 'test/unit/agent/kubelet-streams.test.ts',
  oddFrames: 'test/unit/protocol/streams/odd-frames.test.ts',
  restart: 'test/e2e/agent-restart.test.ts',
  serviceAccount: 'test/e2e/agent-service-account.test.ts',
  quota: 'test/e2e/quota.test.ts',
  workload: 'test/e2e/workload.test.ts',
  requests: 'test/kubernetes/suites/agent-requests.test.ts',
  deployment: 'test/kubernetes/suites/kubectl/deployment.test.ts',
  kubectlLogs: 'test/kubernetes/suites/kubectl/logs.test.ts',
  kubectlStreams: 'test/kubernetes/suites/kubectl/streams.test.ts',
  handshake: 'test/unit/protocol/streams/handshake.test.ts',
  life: 'test/unit/protocol/streams/life.test.ts',
  backPressure: 'test/unit/protocol/streams/back-pressure.test.ts',
  fuzz: 'test/unit/protocol/streams/fuzz.test.ts',
  portForward: 'test/unit/protocol/streams/port-forward.test.ts',
  roundTrip: 'test/unit/protocol/streams/round-trip.test.ts',
  spdy: 'test/unit/protocol/streams/spdy/connection.test.ts',
  parts: 'test/unit/protocol/streams/parts.test.ts',
} as const
