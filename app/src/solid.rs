//! Views without their types, so that what shows, takes over and changes a part of a page is in the
//! program once and not once for each part.
//!
//! Leptos makes code of its own for each type of view, closure and handler; half of what a browser
//! downloads would be that. Pages therefore end their views with [`Solid::solid`], wrap what
//! follows a signal in [`reactive`] (as an attribute: in `Signal::derive`), and what answers an event
//! in [`act`].

use std::sync::Arc;

use leptos::prelude::{AnyView, RenderHtml};

/// Makes a view untyped; to be used in the place of `into_any`.
pub trait Solid {
    /// The same view without its type.
    fn solid(self) -> AnyView;
}

/// The server sends views and keeps none: there Leptos's own untyped view serves.
#[cfg(feature = "ssr")]
impl<T: RenderHtml + Send + 'static> Solid for T {
    fn solid(self) -> AnyView {
        leptos::prelude::IntoAny::into_any(self)
    }
}

#[cfg(not(feature = "ssr"))]
impl<T: RenderHtml + Send + 'static> Solid for T {
    fn solid(self) -> AnyView {
        browser::untyped(self)
    }
}

/// A part of a page that follows the signals which it reads.
pub fn reactive<T: RenderHtml + Send + 'static>(
    view: impl Fn() -> T + Send + Sync + 'static,
) -> AnyView {
    follow(Arc::new(move || view().solid()))
}

fn follow(view: Arc<dyn Fn() -> AnyView + Send + Sync>) -> AnyView {
    (move || view()).solid()
}

/// What answers an event.
#[cfg(not(feature = "ssr"))]
pub fn act<E: 'static>(answer: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(answer)
}

/// What answers an event: nothing happens on the server. A page is made on several threads there,
/// and Leptos refuses to drop what answers an event on another one than where it was made.
#[cfg(feature = "ssr")]
pub fn act<E: 'static>(_answer: impl FnMut(E) + 'static) -> fn(E) {
    |_| ()
}

#[cfg(not(feature = "ssr"))]
mod browser {
    //! In the browser, Leptos's untyped view brings a second, asynchronous way to take a page over
    //! for each type that it hides. Nothing of ours arrives while a page is taken over, so one type
    //! only is hidden in it: a box of ours, which knows the one way.

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

    /// A view whose type is not known.
    trait Piece: Send {
        fn build(self: Box<Self>) -> Held;
        fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Held;
        fn rebuild(self: Box<Self>, held: &mut Held);
    }

    /// A view that stands in the page.
    trait Standing: Mountable + Any {
        fn any(&mut self) -> &mut dyn Any;
    }

    impl<T: Mountable + Any> Standing for T {
        fn any(&mut self) -> &mut dyn Any {
            self
        }
    }

    impl<T: RenderHtml + Send + 'static> Piece for T {
        fn build(self: Box<Self>) -> Held {
            Held::new::<T>(Render::build(*self))
        }

        fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Held {
            Held::new::<T>(RenderHtml::hydrate::<true>(*self, cursor, position))
        }

        fn rebuild(self: Box<Self>, held: &mut Held) {
            let is_same = held.view == TypeId::of::<T>();
            let state = held.state.any().downcast_mut::<T::State>();
            match state.filter(|_| is_same) {
                Some(state) => Render::rebuild(*self, state),
                None => replace(self, held),
            }
        }
    }

    /// Puts a view in the place of one of another type.
    fn replace(piece: Box<dyn Piece>, held: &mut Held) {
        let mut new = piece.build();
        held.insert_before_this(&mut new);
        held.unmount();
        *held = new;
    }

    pub fn untyped<T: RenderHtml + Send + 'static>(view: T) -> AnyView {
        Whole(Box::new(view)).into_any()
    }

    /// The one type that is hidden.
    struct Whole(Box<dyn Piece>);

    /// What stands in the page of a view, and of which type the view is: a `<dl>` and a `<div>` keep
    /// the same state.
    struct Held {
        view: TypeId,
        state: Box<dyn Standing>,
    }

    impl Held {
        fn new<T: RenderHtml + 'static>(state: T::State) -> Self {
            Self {
                view: TypeId::of::<T>(),
                state: Box::new(state),
            }
        }
    }

    impl Mountable for Held {
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

    impl Render for Whole {
        type State = Held;

        fn build(self) -> Held {
            self.0.build()
        }

        fn rebuild(self, state: &mut Held) {
            self.0.rebuild(state);
        }
    }

    impl AddAnyAttr for Whole {
        type Output<SomeNewAttr: Attribute> = Self;

        /// Attributes are not spread onto views without a type.
        fn add_any_attr<NewAttr: Attribute>(self, _attr: NewAttr) -> Self {
            self
        }
    }

    impl RenderHtml for Whole {
        type AsyncOutput = Self;
        type Owned = Self;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self {
            self
        }

        /// Only the server writes pages.
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
        ) -> Held {
            self.0.hydrate(cursor, position)
        }

        fn into_owned(self) -> Self {
            self
        }
    }
}
