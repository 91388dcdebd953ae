import { readFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { resolveTarget } from '../client/target.ts'
import type { KubeTarget } from '../client/types.ts'
import { type Fields, fieldFault, isFields, optionalText, parseDocument, selectContext } from './document.ts'
import { createExecCredentials } from './exec-credential.ts'
import { inClusterTarget, tokenFromFile } from './in-cluster.ts'
import { checkCertificates, checkPair, decodePem } from './pem.ts'

export interface OwnKubeconfigOptions {
  /** A kubeconfig file; it alone is read then. */
  path?: string
  /** The context; the current one when absent. */
  context?: string
  /** The environment: KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST; also what exec plugins see. */
  env: Readonly<Record<string, string | undefined>>
  clock?: Clock
  /** Where a pod's ServiceAccount is mounted; for tests. */
  serviceAccountDirectory?: string
}

export interface OwnKubeconfig {
  target: KubeTarget
  /** Of the context, or of the pod. */
  namespace?: string
  /** Where it came from: a file's path, or `in-cluster`. */
  source: string
  context?: string
}

/**
 * The program's own way to its cluster, in this order: the given file, the files of KUBECONFIG, the pod's
 * ServiceAccount, `~/.kube/config`. Files are read and exec plugins run, since they are the user's own; TLS can
 * not be switched off. A certificate from an exec plugin is asked for once.
 * @throws IsthmusError invalid, naming file and field
 */
export async function loadOwnKubeconfig(options: OwnKubeconfigOptions): Promise<OwnKubeconfig> {
  const { path, env } = options
  const fromEnv = env['KUBECONFIG']?.split(delimiter).filter((entry) => entry !== '')
  if (path !== undefined) return fromFiles([path], options, true)
  if (fromEnv && fromEnv.length > 0) return fromFiles(fromEnv, options, false)
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined && options.context === undefined) {
    const inside = await inClusterTarget({ ...options, clock: options.clock ?? systemClock })
    if (inside) return { ...inside, source: 'in-cluster' }
  }
  return fromFiles([join(env['HOME'] ?? '', '.kube', 'config')], options, true)
}

interface File {
  path: string
  document: Fields
}

async function fromFiles(
  paths: string[],
  options: OwnKubeconfigOptions,
  mustExist: boolean,
): Promise<OwnKubeconfig> {
  const files: File[] = []
  for (const path of paths) {
    try {
      files.push({ path, document: parseDocument(await readFile(path, 'utf8')) })
    } catch (error) {
      if (!mustExist && (error as NodeJS.ErrnoException).code === 'ENOENT') continue
      throw inFile(path, error)
    }
  }
  const first = files[0]
  if (!first) throw new IsthmusError('invalid', `there is no kubeconfig at ${paths.join(', ')}`)
  try {
    return await fromDocument(merge(files), first.path, options)
  } catch (error) {
    throw inFile(first.path, error)
  }
}

/** As kubectl merges: the first file that names something wins. Each entry remembers its own file. */
function merge(files: File[]): Fields {
  const merged: Fields = { clusters: [], users: [], contexts: [] }
  for (const { path, document } of files) {
    merged['current-context'] ||= document['current-context']
    for (const list of ['clusters', 'users', 'contexts']) {
      const known = merged[list] as Fields[]
      for (const entry of Array.isArray(document[list]) ? document[list] : []) {
        if (!isFields(entry) || known.some((other) => other['name'] === entry['name'])) continue
        const inner = list.slice(0, -1)
        const fields = isFields(entry[inner])
          ? { ...entry[inner], [DIRECTORY]: dirname(resolve(path)) }
          : undefined
        known.push({ ...entry, [inner]: fields })
      }
    }
  }
  return merged
}

/** Not a field that a file can have: parsed YAML has no symbols, nor does JSON show them. */
const DIRECTORY: unique symbol = Symbol('directory of the file')
const directoryOf = (fields: Fields) => (fields as { [DIRECTORY]?: string })[DIRECTORY] ?? ''

async function fromDocument(
  document: Fields,
  source: string,
  options: OwnKubeconfigOptions,
): Promise<OwnKubeconfig> {
  const selected = selectContext(document, options.context)
  const { cluster, user, clusterPath, userPath } = selected
  for (const [fields, path, names] of [
    [cluster, clusterPath, ['insecure-skip-tls-verify', 'proxy-url']],
    [user, userPath, ['auth-provider', 'username', 'password', 'as', 'as-groups', 'as-uid', 'as-user-extra']],
  ] as const) {
    for (const name of names) if (fields[name]) throw fieldFault(`${path}.${name}`, 'is not supported')
  }
  const server = optionalText(cluster, 'server', clusterPath)
  if (server === undefined) throw fieldFault(`${clusterPath}.server`, 'is required')
  const ca = await dataOrFile(cluster, 'certificate-authority', clusterPath)
  const target: KubeTarget = {
    server,
    ca: ca === undefined ? undefined : checkCertificates(ca, `${clusterPath}.certificate-authority`),
    tlsServerName: optionalText(cluster, 'tls-server-name', clusterPath),
    ...(await credentialOf(user, userPath, cluster, options)),
  }
  resolveTarget(target)
  return { target, namespace: selected.namespace, source, context: selected.context }
}

async function credentialOf(
  user: Fields,
  path: string,
  cluster: Fields,
  { env, clock = systemClock }: OwnKubeconfigOptions,
): Promise<Pick<KubeTarget, 'token' | 'clientCertificate'>> {
  const cert = await dataOrFile(user, 'client-certificate', path)
  const key = await dataOrFile(user, 'client-key', path)
  if ((cert === undefined) !== (key === undefined)) {
    throw fieldFault(`${path}.client-key`, 'a client certificate needs its key')
  }
  const clientCertificate =
    cert !== undefined && key !== undefined ? checkPair(cert, key, `${path}.client-key`) : undefined
  const tokenFile = optionalText(user, 'tokenFile', path)
  if (tokenFile !== undefined) {
    return { clientCertificate, token: tokenFromFile(resolve(directoryOf(user), tokenFile), clock) }
  }
  const token = optionalText(user, 'token', path)
  const exec = user['exec']
  if (token !== undefined || clientCertificate || !isFields(exec)) return { clientCertificate, token }
  const directory = directoryOf(user)
  const credentials = createExecCredentials({ exec, path: `${path}.exec`, env, directory, cluster, clock })
  const first = await credentials()
  return {
    clientCertificate: first.clientCertificate,
    token: first.token === undefined ? undefined : async () => (await credentials()).token ?? '',
  }
}

/** `<name>-data` as base64, else the file that `<name>` names. */
async function dataOrFile(fields: Fields, name: string, path: string): Promise<string | undefined> {
  const data = optionalText(fields, `${name}-data`, path)
  if (data !== undefined) return decodePem(data, `${path}.${name}-data`)
  const file = optionalText(fields, name, path)
  if (file === undefined) return undefined
  try {
    return await readFile(resolve(directoryOf(fields), file), 'utf8')
  } catch (error) {
    throw fieldFault(`${path}.${name}`, `${file} can not be read`, error)
  }
}

function inFile(path: string, error: unknown): IsthmusError {
  if (error instanceof IsthmusError) {
    return new IsthmusError(error.code, `${path}: ${error.message}`, { ...error.details, cause: error.cause })
  }
  return new IsthmusError('invalid', `${path}: can not be read`, { cause: error })
}
