// The whole app in one resource group: plan, app, storage, identity and telemetry. No keys, no connection strings.
// `azd up` deploys it; main.parameters.json fills the parameters from azd's environment. See docs/deploying.md.
targetScope = 'subscription'

@description('Name of the azd environment: part of the names of the resource group and, hashed, of all resources in it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything. Flex Consumption must be offered there.')
@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('What is scraped: a file of the package, which `make package` lists. sources.toml is the sample, not made for Azure.')
param sourcesFile string = 'sources.toml'

@description('When the daily run starts: NCRONTAB in UTC, with seconds.')
param schedule string = '0 0 6 * * *'

@description('What a tick does that meets a live run.')
@allowed([
  'skip'
  'buffer_one'
  'cancel_other'
])
param overlapPolicy string = 'skip'

@description('URL or address under which the owner of a site can reach you; part of the user agent.')
param contact string = ''

@description('Receives alerts as JSON. Who knows it can write to your channel, so it counts as a secret.')
@secure()
param alertWebhookUrl string = ''

@description('What the body of an alert is.')
@allowed([
  'json'
  'slack'
  'teams'
])
param alertFormat string = 'json'

@description('Memory of an instance in MB; 2048 has one core.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Upper bound of instances. Flex Consumption takes none below 40.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that always run orchestrations and activities; with 0 a run waits for one to start.')
@minValue(0)
@maxValue(10)
param alwaysReadyDurable int = 1

@description('Whether traces, metrics and logs are sent by OpenTelemetry instead of through the host. See docs/deploying.md.')
param openTelemetry bool = false

@description('Whether the task hub is kept by the Durable Task Scheduler; host.json must be a copy of infra/host.dts.json then.')
param durableTaskScheduler bool = false

@description('Further app settings, by name; they win over those that are set here. Not TABLE_PREFIX: queues are made without.')
@secure()
param moreAppSettings object = {}

@description('Object ID of who may read tables, queues and packages; empty for nobody.')
param operatorPrincipalId string = ''

@description('What has that object ID. Azure refuses an assignment to something else.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorPrincipalType string = 'User'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    storageAccountName: storage.outputs.name
    applicationInsightsName: monitoring.outputs.name
    appPrincipalId: identity.outputs.principalId
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableTaskScheduler) {
  name: 'scheduler'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    appClientId: identity.outputs.clientId
  }
}

// Defaults of the app are not repeated here: docs/settings.md has them.
var appSettings = union(
  {
    SOURCES_FILE: sourcesFile
    SCRAPE_SCHEDULE: schedule
    OVERLAP_POLICY: overlapPolicy
    CONTACT: contact
    ALERT_FORMAT: alertFormat
  },
  empty(alertWebhookUrl) ? {} : {
    ALERT_WEBHOOK_URL: alertWebhookUrl
  },
  openTelemetry ? {
    AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
    PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
    // Whole runs: otherwise spans are left out as soon as there are more than five in a second.
    OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
    OTEL_TRACES_SAMPLER_ARG: '1.0'
  } : {},
  durableTaskScheduler ? {
    DURABLE_TASK_SCHEDULER_CONNECTION_STRING: scheduler!.outputs.endpointByIdentity
  } : {},
  moreAppSettings
)

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  // Without its roles the host can neither read the package nor start.
  dependsOn: [
    roles
  ]
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    applicationInsightsName: monitoring.outputs.name
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyDurable: alwaysReadyDurable
    appSettings: appSettings
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output AZURE_FUNCTION_APP_URL string = app.outputs.url
