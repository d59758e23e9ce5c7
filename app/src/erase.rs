//! Type erasure for views, so that the code that renders, hydrates and updates a view exists once
//! in the binary and not once per view type.
//!
//! Leptos generates code for each type of view, closure and event handler, which would be half of
//! the WebAssembly download. Pages therefore end their views with [`Erase::erase`], wrap views that
//! depend on a signal in [`reactive`] (for an attribute: `Signal::derive`) and event handlers in
//! [`act`].

use std::sync::Arc;

use leptos::prelude::{AnyView, Get, RenderHtml};

/// Erases the type of a view. Use it instead of `into_any`.
pub trait Erase {
    /// The same view without its type.
    fn erase(self) -> AnyView;
}

/// The server renders a view once and does not keep it, so Leptos's `AnyView` is sufficient.
#[cfg(feature = "ssr")]
impl<T: RenderHtml + Send + 'static> Erase for T {
    fn erase(self) -> AnyView {
        leptos::prelude::IntoAny::into_any(self)
    }
}

#[cfg(not(feature = "ssr"))]
impl<T: RenderHtml + Send + 'static> Erase for T {
    fn erase(self) -> AnyView {
        browser::untyped(self)
    }
}

/// A view that is rendered again when the signals that it reads change.
pub fn reactive<T: RenderHtml + Send + 'static>(
    view: impl Fn() -> T + Send + Sync + 'static,
) -> AnyView {
    follow(Arc::new(move || view().erase()))
}

/// A view of a value, while there is one.
pub fn reactive_option<T: 'static>(
    value: impl Get<Value = Option<T>> + Send + Sync + 'static,
    view: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    reactive(move || value.get().map(&view))
}

/// A view that is rendered while `condition` is true.
pub fn reactive_if(
    condition: impl Get<Value = bool> + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + Sync + 'static,
) -> AnyView {
    reactive(move || condition.get().then(&view))
}

fn follow(view: Arc<dyn Fn() -> AnyView + Send + Sync>) -> AnyView {
    (move || view()).erase()
}

/// An event handler with its closure type erased.
#[cfg(not(feature = "ssr"))]
pub fn act<E: 'static>(handler: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(handler)
}

/// An event handler; a no-op on the server. The server renders a page on several threads, and
/// Leptos panics if a handler is dropped on another thread than the one that created it.
#[cfg(feature = "ssr")]
pub fn act<E: 'static>(_handler: impl FnMut(E) + 'static) -> fn(E) {
    |_| ()
}

#[cfg(not(feature = "ssr"))]
mod browser {
    //! In the browser, Leptos's `AnyView` generates a second, asynchronous hydration path for each
    //! type that it erases. Holdfast never hydrates asynchronously, so `AnyView` erases one type
    //! only: `ErasedBox`, which has the synchronous path.

    use std::any::{Any, TypeId};

    use leptos::{
        attr::{Attribute, any_attribute::AnyAttribute},
        prelude::{AddAnyAttr, AnyView, IntoAny, Mountable, Render, RenderHtml},
        tachys::{
            hydration::Cursor,
            renderer::types,
            view::{Position, PositionState},
        },
    };

    /// A view behind a trait object.
    trait ErasedView: Send {
        fn build(self: Box<Self>) -> MountedView;
        fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> MountedView;
        fn rebuild(self: Box<Self>, mounted: &mut MountedView);
    }

    /// The state of a mounted view behind a trait object.
    trait ErasedState: Mountable + Any {
        fn any(&mut self) -> &mut dyn Any;
    }

    impl<T: Mountable + Any> ErasedState for T {
        fn any(&mut self) -> &mut dyn Any {
            self
        }
    }

    impl<T: RenderHtml + Send + 'static> ErasedView for T {
        fn build(self: Box<Self>) -> MountedView {
            MountedView::new::<T>(Render::build(*self))
        }

        fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> MountedView {
            let mounted = RenderHtml::hydrate::<true>(*self, cursor, position);
            if !T::EXISTS {
                // On the server, `AnyView` adds a second placeholder to a view without HTML.
                let _ = cursor.next_placeholder(position);
            }
            MountedView::new::<T>(mounted)
        }

        fn rebuild(self: Box<Self>, mounted: &mut MountedView) {
            let is_same = mounted.view == TypeId::of::<T>();
            let state = mounted.state.any().downcast_mut::<T::State>();
            match state.filter(|_| is_same) {
                Some(state) => Render::rebuild(*self, state),
                None => replace(self, mounted),
            }
        }
    }

    /// Replaces a mounted view with a view of another type.
    fn replace(view: Box<dyn ErasedView>, mounted: &mut MountedView) {
        let mut new = view.build();
        mounted.insert_before_this(&mut new);
        mounted.unmount();
        *mounted = new;
    }

    pub fn untyped<T: RenderHtml + Send + 'static>(view: T) -> AnyView {
        ErasedBox(Box::new(view)).into_any()
    }

    /// The only type that `AnyView` erases.
    struct ErasedBox(Box<dyn ErasedView>);

    /// The state of a mounted view and the type of the view. The type is needed because views such
    /// as `<dl>` and `<div>` have the same state type.
    struct MountedView {
        view: TypeId,
        state: Box<dyn ErasedState>,
    }

    impl MountedView {
        fn new<T: RenderHtml + 'static>(state: T::State) -> Self {
            Self {
                view: TypeId::of::<T>(),
                state: Box::new(state),
            }
        }
    }

    impl Mountable for MountedView {
        fn unmount(&mut self) {
            self.state.unmount();
        }

        fn mount(&mut self, parent: &types::Element, marker: Option<&types::Node>) {
            self.state.mount(parent, marker);
        }

        fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
            self.state.insert_before_this(child)
        }

        fn elements(&self) -> Vec<types::Element> {
            self.state.elements()
        }
    }

    impl Render for ErasedBox {
        type State = MountedView;

        fn build(self) -> MountedView {
            self.0.build()
        }

        fn rebuild(self, state: &mut MountedView) {
            self.0.rebuild(state);
        }
    }

    impl AddAnyAttr for ErasedBox {
        type Output<SomeNewAttr: Attribute> = Self;

        /// Attributes are not spread onto views without a type.
        fn add_any_attr<NewAttr: Attribute>(self, _attr: NewAttr) -> Self {
            self
        }
    }

    impl RenderHtml for ErasedBox {
        type AsyncOutput = Self;
        type Owned = Self;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self {
            self
        }

        /// Only the server renders HTML.
        fn to_html_with_buf(
            self,
            _buf: &mut String,
            _position: &mut Position,
            _escape: bool,
            _mark_branches: bool,
            _extra_attrs: Vec<AnyAttribute>,
        ) {
        }

        fn hydrate<const FROM_SERVER: bool>(
            self,
            cursor: &Cursor,
            position: &PositionState,
        ) -> MountedView {
            self.0.hydrate(cursor, position)
        }

        fn into_owned(self) -> Self {
            self
        }
    }
}
