import type {
  ProvisionedCredentials,
  ProvisionedInstance,
  ProvisionedInstanceCreate,
  ProvisionedInstanceQuery,
  ServiceBroker,
  ServiceBrokerCheck,
  ServiceBrokerCreate,
  ServiceBrokerPatch,
  ServiceBrokerQuery,
  ServiceCatalog,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions } from '../connection.ts'
import { deleteCall, editCalls, listCalls, pathOf, readCalls } from './resource.ts'

const path = '/v1/service-brokers'
const instancesPath = '/v1/provisioned-instances'

const load = () => import('@osb-backup/protocol/v1/service-brokers')
const serviceBrokerSchema = async () => (await load()).serviceBrokerSchema
const serviceBrokerCheckSchema = async () => (await load()).serviceBrokerCheckSchema
const serviceCatalogSchema = async () => (await load()).serviceCatalogSchema
const provisionedInstanceSchema = async () => (await load()).provisionedInstanceSchema
const provisionedCredentialsSchema = async () => (await load()).provisionedCredentialsSchema

/** Calls about service brokers that the manager is a client of. */
export const serviceBrokerCalls = (connection: Connection) => ({
  ...listCalls<ServiceBroker, ServiceBrokerQuery>(connection, path, serviceBrokerSchema),
  ...editCalls<ServiceBroker, ServiceBrokerPatch>(connection, path, serviceBrokerSchema),
  create: (broker: ServiceBrokerCreate, options: CreateOptions = {}): Promise<ServiceBroker> =>
    connection.call({ method: 'POST', path, body: broker, answer: serviceBrokerSchema, ...options }),
  /** Reads its catalog, to find out whether it can be used. */
  check: (id: string, options: CallOptions = {}): Promise<ServiceBrokerCheck> =>
    connection.call({ method: 'POST', path: pathOf(path, id, 'check'), answer: serviceBrokerCheckSchema, ...options }),
  /** The services and service plans that it offers. */
  catalog: (id: string, options: CallOptions = {}): Promise<ServiceCatalog> =>
    connection.call({ method: 'GET', path: pathOf(path, id, 'catalog'), answer: serviceCatalogSchema, ...options }),
  /** Deletes a service broker of which no instance may exist. */
  delete: deleteCall(connection, path),
})

/** Calls about instances that the manager provisioned through service brokers. */
export const provisionedInstanceCalls = (connection: Connection) => ({
  ...listCalls<ProvisionedInstance, ProvisionedInstanceQuery>(connection, instancesPath, provisionedInstanceSchema),
  ...readCalls(connection, instancesPath, provisionedInstanceSchema),
  /** Provisions an instance, to try a service broker. */
  create: (instance: ProvisionedInstanceCreate, options: CreateOptions = {}): Promise<ProvisionedInstance> =>
    connection.call({
      method: 'POST',
      path: instancesPath,
      body: instance,
      answer: provisionedInstanceSchema,
      ...options,
    }),
  /** Deletes an instance with its data; `get` says when its broker has confirmed that. */
  delete: (id: string, options: CallOptions = {}): Promise<ProvisionedInstance> =>
    connection.call({
      method: 'DELETE',
      path: pathOf(instancesPath, id),
      answer: provisionedInstanceSchema,
      ...options,
    }),
  /** The credentials of an instance that is ready. */
  credentials: (id: string, options: CallOptions = {}): Promise<ProvisionedCredentials> =>
    connection.call({
      method: 'POST',
      path: pathOf(instancesPath, id, 'credentials'),
      answer: provisionedCredentialsSchema,
      ...options,
    }),
})
