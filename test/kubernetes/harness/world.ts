import { readFileSync } from 'node:fs'
import { type ClusterDescription, type ClusterHandle, clusterHandle } from './handle.ts'

/** The variable that carries the path of the world's description from the runner to the suites. */
export const WORLD_VARIABLE = 'ISTHMUS_WORLD'

/** What the runner writes down: plain data. */
export interface WorldDescription {
  /** Folder that is removed after the run; suites may put files there. */
  dir: string
  dataPlane: ClusterDescription
  users: ClusterDescription[]
}

/** The clusters that all suites of a run share. Use names of your own: other suites run before and after. */
export interface KubernetesWorld {
  dir: string
  /** Has one real node. `deploy/data-plane.yaml` is not applied: whoever needs it does so (it is idempotent). */
  dataPlane: ClusterHandle
  /** Two control planes; the first checks kubelets' serving certificates, the second does not. */
  users: readonly [ClusterHandle, ClusterHandle]
}

/** Whether this process was started by `npm run test:kubernetes`. */
export function hasKubernetesWorld(environment: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(environment[WORLD_VARIABLE])
}

/** The handles of the running world. @throws where there is none. */
export function openKubernetesWorld(environment: NodeJS.ProcessEnv = process.env): KubernetesWorld {
  const path = environment[WORLD_VARIABLE]
  if (!path) throw new Error(`${WORLD_VARIABLE} is not set: start this through npm run test:kubernetes`)
  const description = JSON.parse(readFileSync(path, 'utf8')) as WorldDescription
  const [first, second] = description.users.map(clusterHandle)
  if (!first || !second) throw new Error(`${path} describes fewer than two user clusters`)
  return { dir: description.dir, dataPlane: clusterHandle(description.dataPlane), users: [first, second] }
}
