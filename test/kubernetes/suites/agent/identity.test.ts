import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { http } from '../../../support/world/http.ts'
import {
  create,
  isReady,
  podFor,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../../../support/world/workloads.ts'
import { openWorld, type World } from '../../../support/world/world.ts'
import { openKubernetesWorld } from '../../harness/world.ts'

const NODE = 'bootstrapped'
const ID = 'istmus'
const SECRET = '0123456789abcdef'
const GROUP = 'system:bootstrappers:kubeadm:default-node-token'
const CSR = 'system:certificates.k8s.io:certificatesigningrequests'

let world: World
t.before(async () => {
  world = await openWorld()
})
t.teardown(() => world?.close())

const handle = () => openKubernetesWorld().users[0]!

interface Request {
  metadata: { name: string }
  spec: { signerName: string; username: string }
  status: { certificate?: string; conditions?: { type: string; message: string }[] }
}

async function requests(): Promise<Request[]> {
  const { items } = await handle().get<{ items: Request[] }>(['csr'])
  return items.filter(({ metadata }) => metadata.name.startsWith(`isthmus-${NODE}-`))
}

/** What kubeadm sets up: a token, its right to ask, and the approval of what it and nodes ask for. */
async function applyBootstrap(): Promise<void> {
  const binding = (name: string, role: string, group: string) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
  })
  await handle().apply([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `bootstrap-token-${ID}`, namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': ID,
        'token-secret': SECRET,
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': GROUP,
      },
    },
    binding('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', GROUP),
    binding('kubeadm:node-autoapprove-bootstrap', `${CSR}:nodeclient`, GROUP),
    binding('kubeadm:node-autoapprove-certificate-rotation', `${CSR}:selfnodeclient`, 'system:nodes'),
  ])
}

/** The certificate that the kubelet port shows. */
function shown(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: handle().nodeAddress, port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

t.test(
  '§1.1 identity: with a bootstrap token alone the agent becomes a node by CSR, carries a pod, and serves an approved certificate',
  async (t) => {
    await applyBootstrap()
    const cluster = world.userClusters[0]!
    const node = await world.addNode('bootstrapped', NODE)
    const folder = join(world.dir, 'certificates')
    mkdirSync(folder, { mode: 0o700 })
    const agent = await world.startAgent(
      node,
      {
        ...cluster,
        nodeKubeconfig: async () => handle().writeKubeconfig({ token: `${ID}.${SECRET}` }),
        kubeletCertificate: undefined,
      },
      { args: ['--certificate-dir', folder] },
    )
    await untilNodeReady(cluster, NODE)
    const [client] = (await requests()).filter(({ spec }) => spec.signerName.endsWith('client-kubelet'))
    t.equal(client?.spec.username, `system:bootstrap:${ID}`)
    t.match(client?.status.conditions?.[0], { type: 'Approved', message: /Auto approving/ })
    const kept = readFileSync(join(folder, 'kubelet-client-current.pem'), 'utf8')
    t.match(new X509Certificate(kept).subject, `CN=system:node:${NODE}`)

    const { kubeletPort } = agent.ready as { kubeletPort: number }
    const serving = await eventually('the request for the serving certificate', async () =>
      (await requests()).find(({ spec }) => spec.signerName === 'kubernetes.io/kubelet-serving'),
    )
    t.equal(serving.spec.username, `system:node:${NODE}`)
    t.notOk(serving.status.conditions, 'no cluster approves it by itself')
    const selfSigned = await shown(kubeletPort)
    t.equal(selfSigned.issuer, selfSigned.subject, 'self-signed meanwhile')
    await eventually(
      'the node says how',
      async () => {
        const { stdout } = await handle().kubectl(['get', 'events', '-A', '-o', 'jsonpath={..message}'])
        return stdout.includes(`kubectl certificate approve ${serving.metadata.name}`)
      },
      60_000,
    )
    await handle().kubectl(['certificate', 'approve', serving.metadata.name])
    await eventually(
      'the port serves the cluster’s certificate',
      async () => (await shown(kubeletPort)).issuer !== (await shown(kubeletPort)).subject,
      60_000,
    )
    t.ok((await shown(kubeletPort)).checkIP(handle().nodeAddress))

    await create(
      cluster.admin,
      'default',
      'pods',
      podFor(world, NODE, 'boot', { script: `echo up; ${STAY}` }),
    )
    await untilPod(cluster.admin, 'default', 'boot', 'is Ready', isReady, 60_000)
    await eventually('its log, through an API server that verifies kubelets or not', async () => {
      const log = await http(cluster.admin, { path: '/api/v1/namespaces/default/pods/boot/log' })
      return log.text === 'up\n'
    })
    await removePod(cluster.admin, 'default', 'boot')
    await agent.stop()
  },
)
