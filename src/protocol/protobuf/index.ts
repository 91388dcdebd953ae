export { decodeKubernetesBody, PROTOBUF_TYPE } from './decode-body.ts'
