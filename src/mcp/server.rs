//! The protocol's questions, each handed to a thread that may wait for the disk.

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{line::Line, prompts, resources, tools, visit::Visit};

/// How many calls are under way at once; more wait. Runs of gates, which take long, can have no more than half of it.
pub(super) const AT_ONCE: usize = 8;

/// What a model is told before its first call.
const INSTRUCTIONS: &str = "obeya coordinates work orders between agents and people on one board. \
    Loop: next (or claim) gives you an order under a lease; do the work; call progress whenever something is achieved, \
    which alone renews the lease; run its gates; call complete. A refusal says what would lift it. \
    If a lease lapsed, stop: the order is somebody else's.";
const LOOKING: &str =
    "obeya coordinates work orders between agents and people on one board. This server only looks.";

/// Serves one client.
pub(super) struct Server {
    line: Arc<Line>,
    places: Arc<Semaphore>,
}

impl Server {
    /// Returns a server for a client.
    pub(super) fn new(line: Arc<Line>) -> Self {
        Server {
            line,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Does something that may wait for the disk, as the client that asks for it.
    async fn visit<T: Send + 'static>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce(&mut Visit) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        let failed =
            |_| ErrorData::internal_error("the call failed inside obeya; its log says more", None);
        let client = context.client_info().map(|client| client.name);
        let line = Arc::clone(&self.line);
        let place = Arc::clone(&self.places).acquire_owned().await;
        spawn_blocking(move || {
            let _place = place;
            work(&mut Visit::new(line, client.as_deref()))
        })
        .await
        .map_err(failed)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .build();
        let about = Implementation::new("obeya", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(about)
            .with_instructions(match self.line.is_read_only() {
                true => LOOKING,
                false => INSTRUCTIONS,
            })
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = tools::offered(self.line.is_read_only());
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (name, arguments) = (request.name, request.arguments);
        if !tools::is_known(&name) {
            let what = format!("there is no tool {}", crate::text::clean(&name));
            return Err(ErrorData::new(ErrorCode::INVALID_PARAMS, what, None));
        }
        let work = move |visit: &mut Visit| match tools::call(&name, arguments, visit) {
            Ok(answer) => CallToolResult::structured(answer),
            Err(snag) => snag.result(&visit.actor),
        };
        Ok(self.visit(&context, work).await?.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::all()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            resources::templates(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let work = move |visit: &mut Visit| {
            resources::read(visit, &request.uri).map_err(|snag| snag.error(&visit.actor))
        };
        let contents = self.visit(&context, work).await??;
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        // What they tell a model to do is offered to nobody who only looks.
        let prompts = match self.line.is_read_only() {
            true => vec![],
            false => prompts::all(),
        };
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let work = move |visit: &mut Visit| {
            prompts::get(visit, &request.name, request.arguments.as_ref())
                .map_err(|snag| snag.error(&visit.actor))
        };
        Ok(self.visit(&context, work).await??.into())
    }
}
