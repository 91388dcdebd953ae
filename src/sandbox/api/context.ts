import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { PodBackend } from '../ports.ts'
import type { KubeObject, MemoryStore, NewKubeObject } from '../store/index.ts'
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts'
import type { UserInfo } from './errors.ts'
import type { RequestInfo, ResourceRequest } from './request-info.ts'
import type { ResourceDefinition } from './resources/definition.ts'

/** Which part of the pair a sandbox plays. */
export type Role = 'data-plane' | 'user-cluster'

/** What the handlers share. */
export interface ApiContext {
  role: Role
  store: MemoryStore
  clock: Clock
  logger: Logger
  /** Who runs the pods; without one, log, exec, attach and port-forward answer 501. */
  backend: PodBackend | undefined
  authenticateToken(token: string): UserInfo | undefined
  authorize(user: UserInfo, info: RequestInfo, query?: URLSearchParams): Decision
  admit(request: AdmissionRequest): void
  tokens: ServiceAccountTokens
}

/** What an authorizer says; `reason` goes into the refusal. */
export interface Decision {
  allowed: boolean
  reason?: string
}

/** One request for a resource, on its way through a handler. */
export interface ApiCall {
  info: ResourceRequest
  definition: ResourceDefinition
  user: UserInfo
  query: URLSearchParams
  /** By lower-case name. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  contentType: string
  body: Buffer
  dryRun: boolean
  /** Texts for `Warning` headers; handlers add to it. */
  warnings: string[]
  /** Aborted when the client has gone. */
  signal: AbortSignal
}

/** An answer that is not a stream. */
export interface ApiResult {
  status: number
  body: unknown
}

/** A write on its way through admission. Mutating plug-ins change `object`; refusals are thrown. */
export interface AdmissionRequest {
  phase: 'mutate' | 'validate'
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  group: string
  resource: string
  subresource: string
  namespace: string
  name: string
  user: UserInfo
  object?: NewKubeObject
  oldObject?: KubeObject
  dryRun: boolean
}
