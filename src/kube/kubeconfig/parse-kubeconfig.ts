import type { FieldFault } from '../../protocol/errors/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { resolveTarget } from '../client/target.ts'
import type { KubeTarget } from '../client/types.ts'
import { type Fields, optionalText, parseDocument, selectContext } from './document.ts'
import { checkCertificates, checkPair, decodePem } from './pem.ts'

const clusterFields = new Set([
  'server',
  'certificate-authority-data',
  'tls-server-name',
  // Of no consequence here.
  'disable-compression',
  'extensions',
])
const userFields = new Set(['token', 'client-certificate-data', 'client-key-data', 'extensions'])

/** What each refused field would do. */
const why: Record<string, string> = {
  exec: 'would run a program',
  'auth-provider': 'would run a program',
  tokenFile: 'is a path on another machine; give token',
  'client-certificate': 'is a path on another machine; give client-certificate-data',
  'client-key': 'is a path on another machine; give client-key-data',
  'certificate-authority': 'is a path on another machine; give certificate-authority-data',
  'insecure-skip-tls-verify': 'would let anyone answer for the cluster',
  'proxy-url': 'is not supported',
  username: 'is not supported; give a token or a client certificate',
  password: 'is not supported; give a token or a client certificate',
}

/**
 * Reads a kubeconfig that somebody else has sent: server, CA, token, certificate and key as data, and nothing
 * that would run a program, read a file or switch TLS off (client-node's loadFromString does all three: stack.md).
 * Only the chosen context's cluster and user are looked at; fields that are not known are refused too.
 * @throws IsthmusError invalid, with every fault of the two
 */
export function parseKubeconfig(text: string, context?: string): KubeTarget & { namespace?: string } {
  const { cluster, user, clusterPath, userPath, namespace } = selectContext(parseDocument(text), context)
  const faults = [
    ...refusedFields(cluster, clusterPath, clusterFields),
    ...refusedFields(user, userPath, userFields),
  ]
  if (faults.length > 0) {
    throw new IsthmusError('invalid', faults.map((fault) => `${fault.field}: ${fault.message}`).join('; '), {
      causes: faults,
    })
  }
  const target: KubeTarget = {
    server: required(cluster, 'server', clusterPath),
    tlsServerName: optionalText(cluster, 'tls-server-name', clusterPath),
    ...readCa(cluster, clusterPath),
    ...readCredential(user, userPath),
  }
  resolveTarget(target)
  return namespace === undefined ? target : { ...target, namespace }
}

function refusedFields(fields: Fields, path: string, allowed: ReadonlySet<string>): FieldFault[] {
  return Object.entries(fields)
    .filter(([name, value]) => !allowed.has(name) && value !== null && value !== false && value !== '')
    .map(([name]) => ({
      field: `${path}.${name}`,
      reason: 'FieldValueForbidden',
      message: Object.hasOwn(why, name) ? why[name]! : 'is not supported',
    }))
}

function readCa(cluster: Fields, path: string): { ca?: string } {
  const name = 'certificate-authority-data'
  const data = optionalText(cluster, name, path)
  if (data === undefined) return {}
  return { ca: checkCertificates(decodePem(data, `${path}.${name}`), `${path}.${name}`) }
}

function readCredential(user: Fields, path: string): Pick<KubeTarget, 'token' | 'clientCertificate'> {
  const token = optionalText(user, 'token', path)
  const cert = optionalText(user, 'client-certificate-data', path)
  const key = optionalText(user, 'client-key-data', path)
  if (cert === undefined && key === undefined) return { token: token ?? required(user, 'token', path) }
  const keyPath = `${path}.client-key-data`
  const pair = checkPair(
    checkCertificates(
      decodePem(required(user, 'client-certificate-data', path), `${path}.client-certificate-data`),
      `${path}.client-certificate-data`,
    ),
    decodePem(required(user, 'client-key-data', path), keyPath),
    keyPath,
  )
  return { token, clientCertificate: pair }
}

function required(fields: Fields, name: string, path: string): string {
  const value = optionalText(fields, name, path)
  if (value !== undefined) return value
  const fault = { field: `${path}.${name}`, reason: 'FieldValueRequired', message: 'is required' }
  throw new IsthmusError('invalid', `${fault.field}: ${fault.message}`, { causes: [fault] })
}
