import { isIsthmusError } from '../../protocol/errors/index.ts'
import type { Cluster, UsageItem, VirtualNode } from '../../protocol/schemas/operator.ts'
import type { ApiClient } from '../api/client.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('operator')

/** What the operator face knows: data planes, agents and tenants beyond their quota. */
export async function checkOperatorFace(client: ApiClient): Promise<Finding[]> {
  try {
    const clusters = await all<Cluster>(client, 'clusters')
    const nodes = await all<VirtualNode>(client, 'nodes')
    const usage = await all<UsageItem>(client, 'usage')
    return [
      ok('token', 'it is accepted'),
      ...(clusters.length === 0 ? [noCluster()] : clusters.map(clusterFinding)),
      ...nodes.map(nodeFinding),
      ...usage.filter((row) => row.overCommitted).map(usageFinding),
    ]
  } catch (error) {
    const refused = isIsthmusError(error, 'unauthenticated') || isIsthmusError(error, 'forbidden')
    if (!refused)
      return [fail('face', reasonOf(error), 'Is --server the operator listener? See the gateway’s log.')]
    return [
      fail(
        'token',
        reasonOf(error),
        'Give the token of a viewer or admin by --token-file; a lost one: isthmus operator bootstrap --force.',
      ),
    ]
  }
}

async function all<T>(client: ApiClient, plural: string): Promise<T[]> {
  const rows: T[] = []
  for await (const row of client.pages<T>(['v1', plural])) rows.push(row)
  return rows
}

function noCluster(): Finding {
  return warn(
    'clusters',
    'no data plane is registered',
    'Apply deploy/data-plane.yaml there, then: isthmus cluster register NAME --kubeconfig FILE',
  )
}

function clusterFinding({
  name,
  reachable,
  maintenance,
  kubernetesVersion,
  server,
  network,
}: Cluster): Finding {
  const what = `cluster ${name}`
  if (!reachable) {
    return fail(
      what,
      `the gateway does not reach ${server}`,
      `Check address and credential from the gateway’s host; a new credential: isthmus cluster update ${name} --kubeconfig FILE (rights and confinement are checked then)`,
    )
  }
  if (maintenance) {
    return warn(what, 'in maintenance: no new pods', `When it is over: isthmus cluster activate ${name}`)
  }
  return ok(what, `reachable, ${kubernetesVersion}, ${network}`)
}

function nodeFinding({ tenant, name, connected, draining }: VirtualNode): Finding {
  const what = `node ${tenant}/${name}`
  if (draining) return warn(what, 'draining: gone when its last pod is', 'Nothing, unless it was by mistake.')
  if (connected) return ok(what, 'an agent writes')
  return warn(
    what,
    'no agent holds its writer lease',
    `See the agent’s log; where there is none yet: isthmus node install ${tenant}/${name}`,
  )
}

function usageFinding({ tenant, resource, used, reserved, hard }: UsageItem): Finding {
  return warn(
    `quota ${tenant}`,
    `${resource} is over-committed: used ${used}, reserved ${reserved}, hard ${hard}`,
    `Nothing new is admitted until pods end or: isthmus quota set ${tenant} ${resource}=…`,
  )
}
