import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { V1Node } from '@kubernetes/client-node'
import { NODE } from '../stage.ts'
import type { Step } from '../step.ts'
import { expect, until } from '../wait.ts'

/** The agent comes up in the user's cluster and its node is Ready. */
export const agent: Step = {
  title: 'The agent registers the virtual node in the user’s cluster',
  async run(stage, memory) {
    const { gateway, userCluster, user, folder } = stage
    const credential = memory.credentials.get('agent')
    const kubeconfig = userCluster.identities[`system:node:${NODE}`]
    expect(credential !== undefined && kubeconfig !== undefined, 'a credential and a node’s identity')
    const secretFile = join(folder, 'agent.secret')
    writeFileSync(secretFile, credential.secret, { mode: 0o600 })
    await stage.start('agent', [
      'agent',
      '--node-name',
      NODE,
      '--kubeconfig',
      kubeconfig,
      '--gateway',
      gateway.publicUrl,
      '--gateway-ca',
      gateway.caFile,
      '--client-id',
      credential.id,
      '--client-secret-file',
      secretFile,
      '--node-ip',
      '127.0.0.1',
      '--kubelet-port',
      '0',
      '--kubelet-client-ca',
      userCluster.caFile,
    ])
    const node = await until('the node is Ready', 20, async () => {
      const found = await user.json<V1Node>({ method: 'GET', path: ['api', 'v1', 'nodes', NODE] })
      return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
        ? found
        : undefined
    })
    expect(readFileSync(kubeconfig, 'utf8').length > 0, 'a kubeconfig')
    const { cpu, memory: bytes, pods } = node.status?.allocatable ?? {}
    return {
      shown: `node ${NODE} is Ready (${node.status?.nodeInfo?.kubeletVersion}) with cpu ${cpu}, memory ${bytes}, pods ${pods}`,
    }
  },
}
