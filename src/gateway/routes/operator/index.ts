import type { FastifyInstance } from 'fastify'
import { listAudit } from './audit/list.ts'
import { createCluster } from './clusters/create.ts'
import { deleteCluster } from './clusters/delete.ts'
import { getCluster } from './clusters/get.ts'
import { listClusters } from './clusters/list.ts'
import { updateCluster } from './clusters/update.ts'
import { createCredential } from './credentials/create.ts'
import { getCredential } from './credentials/get.ts'
import { listCredentials } from './credentials/list.ts'
import { revokeCredential } from './credentials/revoke.ts'
import { updateCredential } from './credentials/update.ts'
import { createNode } from './nodes/create.ts'
import { deleteNode } from './nodes/delete.ts'
import { getNode } from './nodes/get.ts'
import { listNodes } from './nodes/list.ts'
import { updateNode } from './nodes/update.ts'
import { createOperator } from './operators/create.ts'
import { deleteOperator } from './operators/delete.ts'
import { getOperator } from './operators/get.ts'
import { listOperators } from './operators/list.ts'
import { updateOperator } from './operators/update.ts'
import { getQuota } from './quota/get.ts'
import { replaceQuota, updateQuota } from './quota/write.ts'
import { type AnyOperatorRoute, registerOperatorRoute } from './route.ts'
import type { OperatorServices } from './services.ts'
import { getSession } from './sessions/get.ts'
import { killSession } from './sessions/kill.ts'
import { listSessions } from './sessions/list.ts'
import { createTenant } from './tenants/create.ts'
import { deleteTenant } from './tenants/delete.ts'
import { getTenant } from './tenants/get.ts'
import { listTenants } from './tenants/list.ts'
import { updateTenant } from './tenants/update.ts'
import { listUsage } from './usage/list.ts'

/** Every operation of the operator face; tests and OpenAPI walk this list. */
export const operatorRoutes: readonly AnyOperatorRoute[] = [
  createTenant,
  getTenant,
  listTenants,
  updateTenant,
  deleteTenant,
  getQuota,
  updateQuota,
  replaceQuota,
  createCluster,
  getCluster,
  listClusters,
  updateCluster,
  deleteCluster,
  createNode,
  getNode,
  listNodes,
  updateNode,
  deleteNode,
  createCredential,
  getCredential,
  listCredentials,
  updateCredential,
  revokeCredential,
  listSessions,
  getSession,
  killSession,
  listUsage,
  createOperator,
  getOperator,
  listOperators,
  updateOperator,
  deleteOperator,
  listAudit,
]

/** The operator face. */
export function registerOperatorFace(app: FastifyInstance, services: OperatorServices): void {
  for (const route of operatorRoutes) registerOperatorRoute(app, route, services)
}

export type { OperatorServices } from './services.ts'
