import type { V1Pod } from '@kubernetes/client-node'
import {
  checkMetadataChange,
  checkPodChange,
  checkPodCreate,
  parseReservedKeys,
  reservedKeys,
} from '../../../../src/gateway/policy/index.ts'
import t from '../../../support/tap.ts'

const pod = (metadata: object): V1Pod => ({
  metadata: { name: 'p', ...metadata },
  spec: { containers: [{ name: 'main', image: 'busybox:1.37' }] },
})

t.test(
  'keys that something in the data plane acts on are refused with their path, labels and annotations alike',
  async (t) => {
    for (const key of [
      'sidecar.istio.io/inject',
      'istio.io/rev',
      'istio-injection',
      'linkerd.io/inject',
      'config.linkerd.io/proxy-cpu-request',
      'azure.workload.identity/use',
      'admission.datadoghq.com/enabled',
      'admission.datadoghq.com/java-lib.version',
      'k8s.v1.cni.cncf.io/networks',
      'cni.projectcalico.org/ipAddrs',
      'kubernetes.io/ingress-bandwidth',
      'kubernetes.io/egress-bandwidth',
      'cluster-autoscaler.kubernetes.io/safe-to-evict',
      'container.apparmor.security.beta.kubernetes.io/main',
      'seccomp.security.alpha.kubernetes.io/pod',
      'container.seccomp.security.alpha.kubernetes.io/main',
      'vault.hashicorp.com/agent-inject',
      'iam.amazonaws.com/role',
      'instrumentation.opentelemetry.io/inject-java',
      'reflector.v1.k8s.emberstack.com/reflection-auto-enabled',
      'replicator.v1.mittwald.de/replicate-from',
      'admission.gatekeeper.sh/ignore',
      'io.kubernetes.cri-o.userns-mode',
      'kubernetes.io/config.mirror',
    ]) {
      for (const map of ['labels', 'annotations']) {
        const wanted = pod({ [map]: { [key]: 'x' } })
        const field = `metadata.${map}[${key}]`
        t.match(checkPodCreate(wanted), [{ field, reason: 'FieldValueForbidden', message: /./ }], field)
        t.equal(checkPodChange(pod({}), wanted)[0]?.field, field, 'by a change')
        t.equal(checkPodChange(wanted, pod({}))[0]?.field, field, 'nor taken away')
        t.equal(checkMetadataChange(undefined, wanted.metadata)[0]?.field, field, 'on other objects')
      }
    }
  },
)

t.test('keys of the tenant’s own, and those that only resemble, are taken', async (t) => {
  const free = {
    app: 'x',
    'app.kubernetes.io/name': 'web',
    'notistio.io/inject': 'x',
    'istio.io.example.com/x': 'x',
    'example.com/istio.io': 'x',
    'prometheus.io/scrape': 'true',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
    'checksum/config': 'abc',
    'kubernetes.io/ingress-bandwidth-note': 'x',
  }
  t.same(checkPodCreate(pod({ labels: free, annotations: free })), [])
})

t.test('an operator reserves more: a domain with what is below it, or one key', async (t) => {
  const more = parseReservedKeys(['prometheus.io/', 'example.com/one'])
  const faults = (key: string) => checkPodCreate(pod({ annotations: { [key]: 'x' } }), more).length
  t.same(
    ['prometheus.io/scrape', 'deep.prometheus.io/x', 'example.com/one', 'example.com/two'].map(faults),
    [1, 1, 1, 0],
  )
})

t.test('each line of the table says why, and takes one form', async (t) => {
  for (const { why, ...form } of reservedKeys) {
    t.equal(Object.keys(form).length, 1, JSON.stringify(form))
    t.ok(why.length > 20, why)
  }
})
