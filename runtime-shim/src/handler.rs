//! The ways in which a component takes a request: `wasi:http` of 0.3 or 0.2, or
//! `fermyon:spin/inbound-http`, which SDKs 1 export, or as a program.

use std::pin::pin;

use anyhow::{Result, bail};
use futures::channel::oneshot;
use futures::future::{Either, select};
use http::{Method, Request, Response};
use wasmtime::component::{
    Accessor, Component, ComponentExportIndex, Func, GuestTaskId, InstancePre, TypedFunc,
    TypedFuncCallConcurrent,
};
use wasmtime::{Engine, Store, StoreContextMut, format_err};
use wasmtime_wasi_http::handler::{ExpirationError, Prepared, Proxy, ProxyPre};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p2, p3};

use crate::cgi;
use crate::drafts;
use crate::guest::Guest;
use crate::inbound_http;
use crate::limits::size;

/// Where a request's response goes.
pub(crate) type Answer = oneshot::Sender<wasmtime::Result<Response<WasiBody>>>;
type InboundHttp = TypedFunc<(inbound_http::Request,), (inbound_http::Response,)>;
/// Returns whether all went well.
type Run = TypedFunc<(), (Result<(), ()>,)>;
type RunCall = TypedFuncCallConcurrent<Guest, (), (Result<(), ()>,)>;
type InboundCall =
    TypedFuncCallConcurrent<Guest, (inbound_http::Request,), (inbound_http::Response,)>;

/// A component linked as far as that can be done once for all instances.
pub enum HandlerPre {
    Wasi { pre: ProxyPre<Guest>, is_draft: bool },
    Inbound(InstancePre<Guest>, ComponentExportIndex),
    Program(InstancePre<Guest>, ComponentExportIndex),
}

/// What an instance exports.
pub(crate) enum Handler {
    Wasi(Proxy),
    Inbound(InboundHttp),
    Program(Run),
}

/// A request that the guest has been given.
pub(crate) enum Call<'a> {
    Wasi(Prepared<'a, Guest>),
    Inbound {
        handler: &'a InboundHttp,
        call: InboundCall,
        answer: Answer,
    },
    /// The guest has the rest: it may end without returning from the call.
    Program {
        run: &'a Run,
        call: RunCall,
    },
}

impl HandlerPre {
    pub(crate) fn of(pre: InstancePre<Guest>, is_program: bool) -> Result<Self> {
        if is_program {
            let Some(run) = function(&pre, cgi::INTERFACE, "run") else {
                bail!(
                    "does not export {}, as a program for the executor `wagi` does",
                    cgi::INTERFACE
                )
            };
            return Ok(Self::Program(pre, run));
        }
        let no_service = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(service) => {
                return Ok(Self::Wasi {
                    pre: ProxyPre::P3(service),
                    is_draft: is_draft(pre.component(), pre.engine()),
                });
            }
            Err(error) => error,
        };
        if let Ok(proxy) = p2::bindings::ProxyPre::new(pre.clone()) {
            return Ok(Self::Wasi { pre: ProxyPre::P2(proxy), is_draft: false });
        }
        let Some(function) = function(&pre, inbound_http::INTERFACE, "handle-request") else {
            bail!(
                "exports neither wasi:http/handler@0.3.0 nor wasi:http/incoming-handler@0.2 nor {}: {no_service:#}",
                inbound_http::INTERFACE
            )
        };
        Ok(Self::Inbound(pre, function))
    }

    /// Only WASI 0.3 guests expect a second request, and not those of its drafts: Spin gives them none.
    pub(crate) fn is_reusable(&self) -> bool {
        matches!(self, Self::Wasi { pre: ProxyPre::P3(_), is_draft: false })
    }

    /// Whether the host of a request is no header, as in WASI 0.2.
    pub(crate) fn hides_host(&self) -> bool {
        matches!(self, Self::Wasi { pre: ProxyPre::P2(_), .. })
    }

    /// Whether the guest takes and gives bodies as a whole.
    pub(crate) fn takes_whole_bodies(&self) -> bool {
        matches!(self, Self::Inbound(..) | Self::Program(..))
    }

    /// Whether the guest can be told of `method`.
    pub(crate) fn knows(&self, method: &Method) -> bool {
        !matches!(self, Self::Inbound(..)) || inbound_http::is_known(method)
    }

    pub(crate) async fn instantiate(&self, store: &mut Store<Guest>) -> wasmtime::Result<Handler> {
        match self {
            Self::Wasi { pre, .. } => Ok(Handler::Wasi(pre.instantiate_async(store).await?)),
            Self::Inbound(pre, function) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Ok(Handler::Inbound(instance.get_typed_func(store, function)?))
            }
            Self::Program(pre, run) => {
                let instance = pre.instantiate_async(&mut *store).await?;
                Ok(Handler::Program(instance.get_typed_func(store, run)?))
            }
        }
    }
}

/// Whether a component was built with a draft of WASI 0.3, which [`drafts`] took over.
fn is_draft(component: &Component, engine: &Engine) -> bool {
    component.component_type().exports(engine).any(|(name, _)| drafts::is_taken_over(name))
}

/// An export of an interface.
fn function(pre: &InstancePre<Guest>, interface: &str, name: &str) -> Option<ComponentExportIndex> {
    let component = pre.component();
    let interface = component.get_export_index(None, interface)?;
    component.get_export_index(Some(&interface), name)
}

impl Handler {
    pub(crate) fn entry(&self) -> Func {
        match self {
            Self::Wasi(Proxy::P3(service)) => *service.wasi_http_handler().func_handle().func(),
            Self::Wasi(Proxy::P2(proxy)) => {
                *proxy.wasi_http_incoming_handler().func_handle().func()
            }
            Self::Inbound(handler) => *handler.func(),
            Self::Program(run) => *run.func(),
        }
    }

    /// Hands `request` to the guest.
    pub(crate) fn call(
        &self,
        mut store: StoreContextMut<'_, Guest>,
        request: Request<WasiBody>,
        answer: Answer,
    ) -> wasmtime::Result<Call<'_>> {
        Ok(match self {
            Self::Wasi(proxy) => {
                Call::Wasi(Prepared::new(store, proxy, request, Guest::http, answer)?)
            }
            Self::Inbound(handler) => {
                let request = inbound_http::Request::of(request);
                let call = handler.start_call_concurrent(&mut store, (request,))?;
                Call::Inbound { handler, call, answer }
            }
            Self::Program(run) => {
                store.data_mut().become_program(request, answer)?;
                Call::Program { run, call: run.start_call_concurrent(&mut store, ())? }
            }
        })
    }
}

impl Call<'_> {
    pub(crate) fn task(&self) -> GuestTaskId {
        match self {
            Self::Wasi(Prepared::P3 { call, .. }) => call.task(),
            Self::Wasi(Prepared::P2 { call, .. }) => call.task(),
            Self::Inbound { call, .. } => call.task(),
            Self::Program { call, .. } => call.task(),
        }
    }

    /// Until it is answered, or its time is `over`.
    pub(crate) async fn run(
        self,
        accessor: &Accessor<Guest>,
        over: impl Future<Output = ()>,
    ) -> wasmtime::Result<()> {
        match self {
            Self::Wasi(prepared) => prepared.run(accessor, over).await.map(drop),
            Self::Inbound { handler, call, answer } => {
                let answered = in_time(handler.finish_call_concurrent(accessor, call), over).await;
                let headers =
                    accessor.with(|mut access| access.get().component.limits.max_header_bytes);
                let _ =
                    answer.send(answered.and_then(|(response,)| response.into_http(size(headers))));
                Ok(())
            }
            Self::Program { run, call } => {
                let ended = in_time(run.finish_call_concurrent(accessor, call), over).await;
                let ended = ended.and_then(|(result,)| {
                    result.map_err(|()| format_err!("the program said that it failed"))
                });
                if let Some(exchange) = accessor.with(|mut access| access.get().exchange.take()) {
                    exchange.finish(ended);
                }
                Ok(())
            }
        }
    }
}

/// What comes of `call`, unless its time is `over` before.
async fn in_time<T>(
    call: impl Future<Output = wasmtime::Result<T>>,
    over: impl Future<Output = ()>,
) -> wasmtime::Result<T> {
    match select(pin!(call), pin!(over)).await {
        Either::Left((result, _)) => result,
        Either::Right(((), _)) => Err(ExpirationError.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_known_by_what_it_exports() -> Result<()> {
        let engine = Engine::default();
        for (version, expected) in [("0.3.0-rc-2026-03-15", true), ("0.3.0", false)] {
            let text = format!(
                r#"(component (instance $i) (export "wasi:http/handler@{version}" (instance $i)))"#
            );
            let mut code = wat::parse_str(text)?;
            drafts::take_over(&mut code)?;
            let component = Component::new(&engine, code)?;
            assert_eq!(is_draft(&component, &engine), expected, "{version}");
        }
        Ok(())
    }
}
