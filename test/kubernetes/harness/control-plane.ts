import { join } from 'node:path'
import type { Binaries } from './build.ts'
import {
  createAuthority,
  createSigningKeys,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from './certificates.ts'
import { startEtcd } from './etcd.ts'
import { flags, writeKeyPair, writePrivate } from './files.ts'
import { kubeconfig } from './kubeconfig.ts'
import { freePort } from './network.ts'
import { type ManagedProcess, startProcess, waitFor } from './processes.ts'
import { apiRequest } from './request.ts'

const SERVICE_RANGE = '10.96.0.0/16'
const SERVICE_ADDRESS = '10.96.0.1'

export interface ControlPlaneOptions {
  binaries: Binaries
  /** Folder for everything: certificates, kubeconfigs, etcd's data, logs. */
  dir: string
  /** The machine's address that everything listens on. */
  address: string
  /** The API server checks kubelets' serving certificates against the cluster's CA (kubeadm's does not). */
  verifyKubelets: boolean
  /** More API server flags, for example a feature gate. */
  apiServerFlags?: Record<string, string | boolean>
}

export interface ControlPlane {
  server: string
  ca: KeyPair
  admin: KeyPair
  /** Every request's metadata, one JSON object a line (`audit.k8s.io/v1`). */
  auditLog: string
  processes: ManagedProcess[]
}

/** Starts etcd, API server, controller manager and scheduler, and waits until the API server is ready. About 6 s. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dir, address, binaries } = options
  const pki = join(dir, 'pki')
  const ca = await createAuthority('kubernetes')
  const caFiles = writeKeyPair(pki, 'ca', ca)
  const server = `https://${address}:${await freePort(address)}`
  const etcd = await startEtcd({ binary: binaries.etcd, dir: join(dir, 'etcd'), address })
  const tokens = await createSigningKeys()
  const signingKey = writePrivate(pki, 'service-accounts.key', tokens.privateKey)
  const verifyingKey = writePrivate(pki, 'service-accounts.pub', tokens.publicKey)
  const client = (commonName: string, ...organizations: string[]) =>
    issueClientCertificate(ca, { commonName, organizations })
  const admin = await client('admin', 'system:masters')
  const auditLog = join(dir, 'audit.log')

  const start = (name: string, values: Parameters<typeof flags>[0]) =>
    startProcess({
      name,
      command: join(binaries.kubernetes, name),
      args: flags(values),
      log: join(dir, `${name}.log`),
    })
  const processes = [etcd.process]
  try {
    processes.push(
      start('kube-apiserver', {
        ...etcd.apiServerFlags,
        ...(await identityFlags(pki, ca, address)),
        'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
        'service-account-key-file': verifyingKey,
        'service-account-signing-key-file': signingKey,
        'bind-address': address,
        'advertise-address': address,
        'secure-port': new URL(server).port,
        'service-cluster-ip-range': SERVICE_RANGE,
        'authorization-mode': 'Node,RBAC',
        'enable-admission-plugins': 'NodeRestriction',
        'enable-bootstrap-token-auth': true,
        'allow-privileged': true,
        'kubelet-preferred-address-types': 'InternalIP',
        'kubelet-certificate-authority': options.verifyKubelets ? caFiles.cert : undefined,
        'audit-policy-file': writePrivate(dir, 'audit-policy.json', AUDIT_POLICY),
        'audit-log-path': auditLog,
        'audit-log-mode': 'blocking',
        ...options.apiServerFlags,
      }),
    )
    const ready = async () =>
      (await apiRequest({ server, ca: ca.cert }, admin, { path: '/readyz' })).status === 200
    await waitFor('the API server is ready', ready, processes)
    const config = async (name: string) =>
      writePrivate(
        join(dir, 'kubeconfig'),
        name,
        kubeconfig({ server, ca: ca.cert, credential: { certificate: await client(`system:${name}`) } }),
      )
    const managerConfig = await config('kube-controller-manager')
    const schedulerConfig = await config('kube-scheduler')
    processes.push(
      start('kube-controller-manager', {
        kubeconfig: managerConfig,
        controllers: '*,bootstrap-signer-controller,token-cleaner-controller',
        'use-service-account-credentials': true,
        'service-account-private-key-file': signingKey,
        'root-ca-file': caFiles.cert,
        'cluster-signing-cert-file': caFiles.cert,
        'cluster-signing-key-file': caFiles.key,
        'leader-elect': false,
        'secure-port': 0,
      }),
      start('kube-scheduler', { kubeconfig: schedulerConfig, 'leader-elect': false, 'secure-port': 0 }),
    )
    return { server, ca, admin, auditLog, processes }
  } catch (error) {
    await Promise.all(processes.map((process) => process.stop(0)))
    throw error
  }
}

async function identityFlags(pki: string, ca: KeyPair, address: string) {
  const serving = await issueServingCertificate(ca, {
    commonName: 'kube-apiserver',
    addresses: [address, SERVICE_ADDRESS, '127.0.0.1'],
    names: [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
  })
  // As kubeadm names it; the group is bound to system:kubelet-api-admin by whoever guards a kubelet's port.
  const kubeletClient = await issueClientCertificate(ca, {
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['kubeadm:cluster-admins', 'system:masters'],
  })
  const servingFiles = writeKeyPair(pki, 'kube-apiserver', serving)
  const clientFiles = writeKeyPair(pki, 'kubelet-client', kubeletClient)
  return {
    'client-ca-file': join(pki, 'ca.crt'),
    'tls-cert-file': servingFiles.cert,
    'tls-private-key-file': servingFiles.key,
    'kubelet-client-certificate': clientFiles.cert,
    'kubelet-client-key': clientFiles.key,
  }
}

const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
})
