export { type AddressGuard, makeAddressGuard } from './address-guard.ts'
export { createKubeClient, type KubeClientOptions } from './create-client.ts'
export { createHttp2Pool, type Http2Pool, type Http2PoolOptions } from './http2-pool.ts'
export * from './types.ts'
