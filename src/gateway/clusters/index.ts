import type { Page, PageRequest } from '../../lib/page.ts'
import type { Cluster } from '../../protocol/schemas/operator.ts'
import type { Removal, RemovalMode, Versioned } from '../tenants/index.ts'

export type StoredCluster = Omit<Cluster, 'reachable'>
export type ClusterRow = Versioned<StoredCluster> & {
  ca: string | undefined
  tlsServerName: string | undefined
}

/** What a registration writes; the credential is sealed already. */
export interface ClusterWrite {
  server: string
  ca: string | undefined
  tlsServerName: string | undefined
  kubernetesVersion: string
  sealedCredential: Uint8Array
}

/** Data-plane clusters. References are an id or a name. Everything throws IsthmusError unavailable. */
export interface ClusterStore {
  /** The id is drawn by the caller, since the credential is sealed for it. @throws already_exists */
  create(
    id: string,
    cluster: ClusterWrite & { name: string; network: 'flat' | 'isolated' },
  ): Promise<ClusterRow>
  get(reference: string): Promise<ClusterRow | undefined>
  list(page: PageRequest): Promise<Page<ClusterRow>>
  /** What is undefined stays. @throws precondition_failed */
  update(
    id: string,
    change: Partial<ClusterWrite> & { network?: 'flat' | 'isolated'; maintenance?: boolean },
    revision: number | undefined,
  ): Promise<ClusterRow>
  remove(id: string, mode: RemovalMode, away: ReadonlySet<string>): Promise<Removal>
}

export { type ClusterCheck, checkCluster } from './check.ts'
export { type ClusterCredential, openCredential, sealCredential } from './credential.ts'
