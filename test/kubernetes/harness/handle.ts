import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type ClientCertificateOptions,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
  type ServingCertificateOptions,
} from './certificates.ts'
import { writePrivate } from './files.ts'
import { kubeconfig } from './kubeconfig.ts'
import { type ApiReply, type ApiRequest, apiRequest, type Credential } from './request.ts'

/** A running cluster as data: what the runner writes down for the suites' processes. */
export interface ClusterDescription {
  name: string
  /** `https://10.213.0.1:40123` */
  server: string
  /** The machine's address on the cluster's own bridge. An agent's kubelet port listens there (the API server can dial it), and pods of any data plane here can reach it. */
  nodeAddress: string
  /** Name of that bridge. */
  bridge: string
  /** Everything of the cluster: certificates, logs, `audit.log`. */
  dir: string
  /** Path of the administrator's kubeconfig (system:masters). */
  adminKubeconfig: string
  /** Folder with kubectl of the same version. */
  binaries: string
  /** One JSON object (`audit.k8s.io/v1` Event, level Metadata) per request the API server answered. */
  auditLog: string
  /** Whether the API server checks the kubelet's serving certificate against the cluster's CA. */
  verifiesKubelets: boolean
  /** Name of the real node; undefined for a cluster that has none. */
  node?: string
  /** Process ids by name (etcd, kube-apiserver, kube-controller-manager, kube-scheduler, node), for SIGSTOP and SIGCONT. */
  pids: Record<string, number>
}

export interface KubectlOptions {
  /** Path; the administrator's by default. */
  kubeconfig?: string
  input?: string | Buffer
  env?: Record<string, string>
  timeoutMs?: number
  /** Return a reply instead of throwing when the exit code is not 0. */
  allowFailure?: boolean
}

export interface KubectlResult {
  code: number | null
  stdout: string
  stderr: string
}

/** A running cluster, usable from any process. */
export interface ClusterHandle extends ClusterDescription {
  /** The same as plain data. */
  readonly description: ClusterDescription
  /** The CA's certificate, PEM. */
  readonly ca: string
  /** Runs kubectl 1.36 with `args`. @throws on a non-zero exit, with both outputs, unless `allowFailure`. */
  kubectl(args: string[], options?: KubectlOptions): Promise<KubectlResult>
  /** `kubectl … -o json`, parsed. */
  get<T>(args: string[], options?: KubectlOptions): Promise<T>
  /** `kubectl apply -f -` of these objects. */
  apply(objects: unknown[], options?: KubectlOptions): Promise<void>
  /** One plain request, as the administrator or another. */
  request(request: ApiRequest, credential?: Credential): Promise<ApiReply>
  /** A certificate that the cluster accepts, e.g. `system:node:x` in `system:nodes`. */
  issueClientCertificate(options: ClientCertificateOptions): Promise<KeyPair>
  /** A serving certificate by the cluster's CA, for an agent's kubelet port. */
  issueServingCertificate(options: ServingCertificateOptions): Promise<KeyPair>
  /** Writes a kubeconfig for a credential and returns its path. */
  writeKubeconfig(credential: KeyPair | { token: string }, namespace?: string): string
}

/** Makes the handle of a described cluster. Reads its CA from the cluster's folder. */
export function clusterHandle(description: ClusterDescription): ClusterHandle {
  const pki = join(description.dir, 'pki')
  const ca: KeyPair = {
    cert: readFileSync(join(pki, 'ca.crt'), 'utf8'),
    key: readFileSync(join(pki, 'ca.key'), 'utf8'),
  }
  const server = { server: description.server, ca: ca.cert }
  let admin: Promise<KeyPair> | undefined
  const kubectl = async (args: string[], options: KubectlOptions = {}) => {
    const result = await runKubectl(description, args, options)
    if (result.code !== 0 && !options.allowFailure) {
      throw new Error(
        `kubectl ${args.join(' ')} (${description.name}): ${result.code}\n${result.stdout}${result.stderr}`,
      )
    }
    return result
  }
  return {
    ...description,
    description,
    ca: ca.cert,
    kubectl,
    async get<T>(args: string[], options?: KubectlOptions) {
      return JSON.parse((await kubectl(['get', ...args, '-o', 'json'], options)).stdout) as T
    },
    async apply(objects, options) {
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
      await kubectl(['apply', '-f', '-'], { ...options, input })
    },
    async request(request, credential) {
      admin ??= issueClientCertificate(ca, { commonName: 'admin', organizations: ['system:masters'] })
      return apiRequest(server, credential ?? (await admin), request)
    },
    issueClientCertificate: (options) => issueClientCertificate(ca, options),
    issueServingCertificate: (options) => issueServingCertificate(ca, options),
    writeKubeconfig(credential, namespace) {
      const content = kubeconfig({
        ...server,
        credential: 'token' in credential ? credential : { certificate: credential },
        namespace,
      })
      return writePrivate(mkdtempSync(join(description.dir, 'kubeconfig-')), 'config', content)
    },
  }
}

/** kubectl's caches and preferences stay in the cluster's folder. */
function runKubectl(
  cluster: ClusterDescription,
  args: string[],
  options: KubectlOptions,
): Promise<KubectlResult> {
  const child = spawn(join(cluster.binaries, 'kubectl'), args, {
    env: {
      ...process.env,
      KUBECONFIG: options.kubeconfig ?? cluster.adminKubeconfig,
      KUBECACHEDIR: join(cluster.dir, 'kubectl-cache'),
      ...options.env,
    },
    timeout: options.timeoutMs ?? 60_000,
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => {}) // it may end before it has read everything; its exit code tells
  child.stdin.end(options.input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}
